-- The first schema. Four classes of tables (docs/decisions/0005): reference, home (every key begins with home), party, local.
-- Money is bigint yen. Every `_on` is a bank date in Asia/Tokyo, every `_at` of a business row is business time; `machine_at`,
-- leases and back-off are machine time. Statuses are the numbers of domain/statuses.py.

-- ── reference ────────────────────────────────────────────────────────────────────────────────────────────────────────
create table business_clock (            -- one row; without sandbox it stays at offset 0 (settlement rule 8)
  id smallint primary key check (id = 1),
  standing_at timestamptz,               -- null = ticks with the machine
  offset_us bigint not null default 0,   -- business = machine + offset while it ticks
  moves bigint not null default 0,       -- raised with every move: who polls sees that time has jumped
  sandbox boolean not null default false
);
create table carrier (
  carrier_id text primary key check (carrier_id ~ '^[a-z0-9-]{1,40}$'),
  name text not null,
  url text not null,
  secret text not null,                  -- Standard Webhooks secret, both directions
  calendar smallint not null default 0,
  ship_days smallint not null default 3,
  overdue_days smallint not null default 7,
  deduplicates boolean not null default true
);
create table site (
  site_id integer primary key check (site_id between 1 and 999999999),
  home smallint not null check (home between 0 and 999),
  name text not null,
  carrier_id text not null references carrier,
  calendar smallint not null default 0,
  delivery_days smallint not null default 0,
  sweep_days smallint not null default 3,
  ship_before_acceptance boolean not null default false,
  shift_rule smallint not null default 0,
  debit_attempts smallint not null default 1 check (debit_attempts between 1 and 35)
);
create table fee_schedule (
  site_id integer references site, from_on date,
  buyer_fixed bigint not null default 0 check (buyer_fixed >= 0),
  buyer_basis_points integer not null default 0 check (buyer_basis_points between 0 and 10000),
  seller_fixed bigint not null default 0 check (seller_fixed >= 0),
  seller_basis_points integer not null default 0 check (seller_basis_points between 0 and 10000),
  primary key (site_id, from_on)
);
create table bank (
  bank_code char(4) primary key check (bank_code ~ '^[0-9]{4}$'),
  name text not null,                    -- as people read it
  kana text not null,                    -- as it stands in bank files
  connector text not null check (connector in ('directory', 'sftp')),
  address jsonb not null,                -- directory: {"path"}; sftp: {"host","port","user","key_file","known_host"}
  deduplicates boolean not null default false,
  calendar smallint not null default 0,
  shift_rule smallint not null default 1,
  debit_deadline time not null default '12:00', debit_lead_days smallint not null default 4,
  credit_deadline time not null default '12:00', credit_lead_days smallint not null default 1,
  seal_before_minutes smallint not null default 60,
  result_days smallint not null default 1, result_time time not null default '12:00',
  statement_time time not null default '06:00',
  overdue_days smallint not null default 2,
  files_per_debit_date smallint not null default 1,
  accepts_ahead_days smallint not null default 60,
  payout_days smallint not null default 1,
  direct_debits boolean not null default false,  -- can credit a seller's own account (direct mode)
  failed_only boolean not null default false     -- shape of its result files
);
create table bank_poll (                 -- when a bank's out/ was last looked through
  bank_code char(4) primary key references bank,
  machine_at timestamptz not null, moves bigint not null, problem text, failures integer not null default 0
);

-- ── people and programs ──────────────────────────────────────────────────────────────────────────────────────────────
create table firm (firm_id bigint primary key, name text not null, created_at timestamptz not null);
create table person (                    -- who signs in [0032]: of one firm, or an operator
  user_id bigint primary key,
  name text not null unique check (name ~ '^[a-z0-9][a-z0-9._@-]{1,63}$'),
  firm_id bigint references firm, operator boolean not null default false,
  password_hash text,                    -- argon2id; null = signs in at an external issuer
  subject text unique,                   -- `sub` at the external issuer
  machine_at timestamptz not null, stopped_at timestamptz,
  check (operator = (firm_id is null)),
  check (num_nonnulls(password_hash, subject) = 1)
);
create table oauth_client (              -- programs: of a site, of a firm, or a frontend through which people come
  client_id text primary key, name text not null,
  secret_hash bytea, public_jwks jsonb,  -- how it shows who it is: a secret, a key (private_key_jwt), or not at all
  site_id integer references site, firm_id bigint references firm, scopes text[] not null,
  redirect_uris text[] not null default '{}',
  external boolean not null default false, -- known to the external issuer under this ID
  machine_at timestamptz not null, stopped_at timestamptz,
  check (num_nonnulls(site_id, firm_id) <= 1),
  check (num_nonnulls(secret_hash, public_jwks) <= 1),
  constraint oauth_client_programs_show_who_they_are
    check (external or num_nonnulls(secret_hash, public_jwks) = 1 or num_nonnulls(site_id, firm_id) = 0),
  constraint oauth_client_frontends_come_back check (external or (cardinality(redirect_uris) > 0) = (num_nonnulls(site_id, firm_id) = 0))
);
create table oauth_key (                 -- signing keys of access tokens: the newest that may sign does, all that are not retired verify
  kid text primary key, private_jwk jsonb not null, machine_at timestamptz not null,
  signs_from timestamptz,                -- null = at once; later while the world learns of it
  retired_at timestamptz                 -- from then on it verifies nothing
);
create table browser_session (           -- somebody who is signed in on the pages
  session_hash text primary key, user_id bigint not null references person,
  machine_at timestamptz not null, expires_at timestamptz not null
);
create table consent (                   -- what a person lets a frontend do
  user_id bigint references person, client_id text references oauth_client, scopes text[] not null, machine_at timestamptz not null,
  primary key (user_id, client_id)
);
create table oauth_family (              -- one consent's tokens: they end together
  family_id text primary key, client_id text not null references oauth_client, user_id bigint not null references person,
  machine_at timestamptz not null, expires_at timestamptz not null, revoked_at timestamptz
);
create index oauth_family_user on oauth_family (user_id, client_id) where revoked_at is null;
create table oauth_code (                -- authorization codes: one minute, one try
  code_hash text primary key, family_id text not null references oauth_family on delete cascade,
  redirect_uri text not null, scope text not null, challenge text not null,
  expires_at timestamptz not null, used_at timestamptz
);
create index oauth_code_family on oauth_code (family_id);
create table oauth_refresh (             -- refresh tokens: each is used once, a second use ends the family
  token_hash text primary key, family_id text not null references oauth_family on delete cascade, scope text not null,
  expires_at timestamptz not null, used_at timestamptz
);
create index oauth_refresh_family on oauth_refresh (family_id);
create table oauth_revocation (          -- whose access tokens are refused until the last of them has expired: token:, family:, user:
  subject text primary key, expires_at timestamptz not null
);
create table oauth_assertion (           -- private_key_jwt: each assertion is good once
  client_id text references oauth_client, jti_hash text, expires_at timestamptz not null, primary key (client_id, jti_hash)
);
create table throttle (                  -- tries to sign in, by name, address and both; the key is a hash
  key text primary key, tries integer not null, since timestamptz not null
);

-- ── home: parties, accounts, mandates ────────────────────────────────────────────────────────────────────────────────
create table id_head (home smallint primary key, next bigint not null) with (fillfactor = 50);
create table party (
  home smallint, party_id bigint, site_id integer not null references site, code text not null,
  name text not null, postal_code text, address text not null, firm_id bigint references firm,
  primary key (home, party_id), unique (home, site_id, code)
);
create index party_firm on party (firm_id, home, party_id) where firm_id is not null;
create table invitation (                -- opens one party to one firm, once (records)
  token_hash text primary key, home smallint not null, party_id bigint not null, site_id integer not null references site,
  machine_at timestamptz not null, expires_at timestamptz not null,
  accepted_at timestamptz, firm_id bigint references firm, user_id bigint references person,
  withdrawn_at timestamptz,
  check (num_nonnulls(accepted_at, firm_id, user_id) in (0, 3))
);
create unique index invitation_one_open on invitation (home, party_id) where accepted_at is null and withdrawn_at is null;
create table party_account (             -- an account as a contract named it; rows are never changed
  home smallint, party_account_id bigint, party_id bigint not null,
  bank_code char(4) not null, branch_code char(3) not null, account_type smallint not null, account_number char(7) not null,
  holder text not null,
  primary key (home, party_account_id),
  unique (home, party_id, bank_code, branch_code, account_type, account_number, holder)
);
create table account (                   -- an account that we debit into or pay from
  home smallint, account_id bigint, site_id integer not null references site, party_id bigint,  -- party: a seller's own consignor account (direct)
  bank_code char(4) not null references bank, branch_code char(3) not null, account_type smallint not null,
  account_number char(7) not null, holder text not null, consignor_code char(10) not null,
  collecting boolean not null default false, main boolean not null default false,
  from_on date not null, until_on date,  -- effective dates: instructions keep the account they used (S14)
  booked bigint not null default 0, reserved bigint not null default 0, overdraft_break timestamptz,
  constraint account_reserved_positive check (reserved >= 0),
  constraint account_covers_reserved check (reserved <= booked or overdraft_break is not null),
  primary key (home, account_id),
  unique (home, bank_code, branch_code, account_type, account_number)
) with (fillfactor = 50);
create table mandate (                   -- a buyer's consent per (account, consignor) [0018]
  home smallint, mandate_id bigint, account_id bigint not null, -- our account whose consignor may debit
  bank_code char(4) not null, branch_code char(3) not null, account_type smallint not null, account_number char(7) not null,
  status smallint not null,              -- 1 ACTIVE, 2 STOPPED
  limit_amount bigint, evidence text not null, since_at timestamptz not null, stopped_at timestamptz, stopped_because text,
  primary key (home, mandate_id),
  unique (home, account_id, bank_code, branch_code, account_type, account_number)
);

-- ── home: contracts ──────────────────────────────────────────────────────────────────────────────────────────────────
create table contract_number (           -- (site, number) for ever (S37, I13); never partitioned, never pruned
  home smallint, site_id integer references site, number text, contract_id bigint not null, content bytea not null,
  primary key (home, site_id, number)
);
create table contract (                  -- figure 2, what never changes; partitioned by birth
  home smallint, contract_id bigint, site_id integer not null, number text not null,
  buyer_id bigint not null, seller_id bigint not null, buyer_account_id bigint not null, seller_account_id bigint not null,
  amount bigint not null check (amount between 1 and 9999999999), currency smallint not null default 392,
  buyer_fee bigint not null check (buyer_fee >= 0), seller_fee bigint not null check (seller_fee >= 0),
  due_on date, debit_on date not null,   -- requested / effective (S22)
  mode smallint not null, release smallint not null, delivery_trigger smallint not null, ship_before_acceptance boolean not null,
  registered_at timestamptz not null, carrier_id text not null,
  collecting_id bigint not null, main_id bigint not null,
  planned_debited_on date not null, planned_delivery_on date not null, planned_shipped_on date not null, planned_settled_on date not null,
  canonical bytea not null,              -- the content whose hash stands in contract_number: names what differs
  primary key (home, contract_id),
  check (home = contract_id / 1000000 % 1000),
  check (amount + buyer_fee <= 9999999999), check (seller_fee < amount)
) partition by range (contract_id);
create index contract_buyer on contract (buyer_id, contract_id desc);
create index contract_seller on contract (seller_id, contract_id desc);
create index contract_site on contract (home, site_id, contract_id desc);
create table delivery_record (           -- figure 3
  home smallint, contract_id bigint,
  seller_name text not null, seller_postal_code text, seller_address text not null,
  buyer_name text not null, buyer_postal_code text, buyer_address text not null, goods jsonb not null,
  primary key (home, contract_id)
) partition by range (contract_id);
create table contract_state (            -- what changes; a cache of the events, written with them
  home smallint, contract_id bigint, site_id integer not null,
  debit smallint not null default 0, delivery smallint not null default 0, payout smallint not null default 0,
  event_count integer not null default 0,
  deliver_when smallint not null, release smallint not null, due boolean not null, direct boolean not null,
  gross bigint not null, net bigint not null,          -- amount + buyer fee; amount - seller fee
  held bigint not null default 0, reserved bigint not null default 0, settled bigint not null default 0, refunded bigint not null default 0,
  collecting_id bigint not null, main_id bigint not null, buyer_account_id bigint not null, seller_account_id bigint not null,
  carrier_id text not null, mandate_id bigint,         -- the consent that the debit rests on, looked at again when the batch is filled
  debit_attempt smallint not null default 0, delivery_attempt smallint not null default 0, payout_attempt smallint not null default 0,
  funded boolean not null default false, held_up boolean not null default false,   -- held_up: a hold by decision
  debit_batch bigint, debit_part smallint, payout_batch bigint,
  scheduled_on date, debited_on date, failure smallint, failed_on date, retry_on date,
  instructed_on date, delivery_instructed_on date, shipped_on date, delivered_on date, tracking_number text,
  result_on date,                        -- the day on which the bank's answer to the debit came (cause of a slip)
  settled_on date, credited_on date,
  constraint state_reserved_within_held check (0 <= reserved and reserved <= held),
  constraint state_settled_once check (settled in (0, net)),
  primary key (home, contract_id)
) partition by range (contract_id);
create table event (                     -- append-only; numbers without gaps from contract_state.event_count
  home smallint, contract_id bigint, no integer, kind smallint not null, at timestamptz not null, happened_on date, data jsonb,
  primary key (home, contract_id, no)
) partition by range (contract_id);

-- ── home: instructions ───────────────────────────────────────────────────────────────────────────────────────────────
create table batch (
  home smallint, batch_id bigint, kind smallint not null, direct boolean not null default false, site_id integer not null,
  bank_code char(4) references bank, carrier_id text references carrier, account_id bigint,   -- one of bank, carrier
  value_on date not null, number smallint, status smallint not null default 0,
  seal_at timestamptz not null, deadline_at timestamptz not null, closed_at timestamptz,      -- closed: takes no more contracts
  line_count integer not null default 0, amount bigint not null default 0, refused_count integer not null default 0,
  name text, sha256 bytea, sealed_at timestamptz, sent_at timestamptz, receipted_at timestamptz, answered_at timestamptz,
  has_due boolean not null default false,  -- some contract in it has a due date: its receipt means SCHEDULED
  takes_from bigint not null,            -- the batch whose work it takes: itself, or the one that was full before it
  answer_due_at timestamptz, overdue_at timestamptz, parts smallint not null default 0,
  untouched boolean not null default false,  -- found RELEASING: the other side is known not to have begun, the call may be repeated
  lease_holder text, lease_until timestamptz, tries integer not null default 0, next_try_at timestamptz, problem text,
  primary key (home, batch_id),
  constraint batch_sealed_has_content check (status = 0 or (number is not null and name is not null and sha256 is not null)),
  constraint batch_within_block check (line_count <= 999999 and amount <= 999999999999),
  check (num_nonnulls(bank_code, carrier_id) = 1)
) with (fillfactor = 70);
create unique index batch_numbered
  on batch (home, kind, coalesce(bank_code, ''), coalesce(carrier_id, ''), site_id, coalesce(account_id, 0), value_on, number);
create unique index batch_one_open on batch (home, kind, coalesce(account_id, 0), coalesce(carrier_id, ''), site_id, value_on)
  where status = 0 and closed_at is null;
create unique index batch_one_name on batch (bank_code, name) where name is not null;   -- no two contents under one name
create index batch_to_seal on batch (home, seal_at) where status = 0;
create index batch_to_send on batch (home, batch_id) where status in (1, 2, 3);
create index batch_awaited on batch (home, overdue_at) where overdue_at is not null and status in (4, 5, 6);
create table work (                      -- contracts that wait by themselves: to debit, to deliver, to pay; rows leave when taken
  home smallint, batch_id bigint, contract_id bigint, primary key (home, batch_id, contract_id)
);
create table batch_fact (                -- what happened to a whole batch and is still being written to its lines, chunk by chunk
  home smallint, batch_id bigint, fact smallint, part smallint not null default 0, happened_on date not null, at timestamptz not null,
  through bigint not null default 0,     -- contracts up to here have it
  lease_holder text, lease_until timestamptz,
  primary key (home, batch_id, fact, part)
);
create table parked (                    -- taken out of the work until somebody acts (no mandate, file refused ...)
  home smallint, contract_id bigint, kind smallint, reason text not null, at timestamptz not null,
  primary key (home, contract_id, kind)
);
create table line (
  home smallint, batch_id bigint, contract_id bigint, kind smallint not null, attempt smallint not null check (attempt between 1 and 35),
  amount bigint not null check (amount >= 0), account_id bigint not null,   -- the counterparty's party_account
  outcome smallint not null default 0, code smallint, outcome_on date, part smallint, blocking boolean not null default true,
  constraint line_blocking_unless_ended check (blocking or outcome in (2, 3, 4, 5)),
  primary key (home, batch_id, contract_id)
) partition by range (contract_id);
create unique index line_one_blocking on line (home, contract_id, kind) where blocking;   -- S01-S03, I04, I05
create table sweep (
  home smallint, sweep_id bigint, site_id integer not null, from_account bigint not null, to_account bigint not null,
  status smallint not null default 0, attempt smallint not null default 1,
  amount bigint not null default 0 check (amount >= 0), left_on date, arrived bigint not null default 0, arrived_on date,
  constraint sweep_arrives_at_most_whole check (arrived <= amount),
  check (from_account <> to_account),
  primary key (home, sweep_id)
);
create table sweep_part (                -- what a sweep carries: whole debit batches or parts of them
  home smallint, batch_id bigint, part smallint, sweep_id bigint not null, amount bigint not null check (amount > 0),
  primary key (home, batch_id, part)
);
create index sweep_part_of on sweep_part (home, sweep_id);

-- ── home: ledger ─────────────────────────────────────────────────────────────────────────────────────────────────────
create table posting (                   -- one row moves one amount: it cannot be unbalanced. Appended only
  home smallint, day integer, cause bigint, no integer, line smallint,
  source_kind smallint not null, source bigint not null, destination_kind smallint not null, destination bigint not null,
  amount bigint not null check (amount > 0), booked_on date not null, currency smallint not null default 392,
  check ((source_kind, source) <> (destination_kind, destination)),
  primary key (home, cause, no, line, day)
) partition by range (day);

-- ── home: stream ─────────────────────────────────────────────────────────────────────────────────────────────────────
create table stream_head (
  home smallint primary key, epoch integer not null, day integer not null, pos bigint not null, chain bytea not null
) with (fillfactor = 50);
create table stream (                    -- one row per transaction and kind; dense, in commit order
  home smallint, day integer, pos bigint, site_id integer, kind smallint not null, machine_at timestamptz not null, chain bytea not null,
  contract_ids bigint[] not null, nos integer[] not null,
  primary key (home, day, pos)
) partition by range (day);

-- ── local: what came in, messages, leases ────────────────────────────────────────────────────────────────────────────
create table reply (
  reply_id bigint generated always as identity primary key,
  channel text not null, name text not null, sha256 bytea not null, size bigint not null,
  kind text not null check (kind in ('receipt', 'result', 'statement', 'notices', 'answer', 'other')),
  status smallint not null default 0,    -- 0 RECEIVED 1 VALID 2 APPLIED 3 HELD 4 IGNORED (a repeat)
  home smallint, batch_id bigint, account_id bigint, part smallint,
  at timestamptz not null, machine_at timestamptz not null, applied_through integer not null default 0,
  lease_holder text, lease_until timestamptz, tries integer not null default 0, next_try_at timestamptz, problem text,
  unique (channel, name, sha256)
);
create index reply_open on reply (reply_id) where status in (0, 1);
create index reply_name on reply (channel, name);
create table reply_body (reply_id bigint references reply, no integer, body bytea not null, primary key (reply_id, no));
create table reply_line (                -- staging: a result's or notice's lines, each applied once
  reply_id bigint, line_no integer, round smallint not null default 0, home smallint, contract_id bigint, kind smallint, attempt smallint,
  account text, amount bigint, code smallint, happened_on date, fact smallint,
  tracking_number text, problem text,
  primary key (reply_id, line_no)
);
create table statement (
  home smallint, account_id bigint, booked_on date, number smallint, reply_id bigint not null,
  opening bigint not null, credits bigint not null, debits bigint not null, closing bigint not null,
  check (opening + credits - debits = closing),
  primary key (home, account_id, booked_on, number)
);
create table statement_line (
  home smallint, account_id bigint, booked_on date, number smallint, line_no integer, incoming boolean not null, category smallint not null,
  amount bigint not null check (amount > 0), reference text, description text,
  matched smallint not null default 0,   -- 0 not yet, 1 matched, 2 awaited (its result is still due), 3 in suspense
  batch_id bigint, contract_id bigint,
  primary key (home, account_id, booked_on, number, line_no)
);
create index statement_line_awaited on statement_line (home, account_id) where matched in (0, 2);
create table exception (                 -- what a person should look at; touches no money
  exception_id bigint generated always as identity primary key, reference text not null unique,
  home smallint, at timestamptz not null, code text not null, reason text not null, channel text,
  reply_id bigint, batch_id bigint, contract_id bigint, amount bigint, closed_at timestamptz
);
create index exception_open on exception (exception_id) where closed_at is null;
create table outbox (
  outbox_id bigint generated always as identity primary key, queue text not null, actor text not null, args jsonb not null,
  machine_at timestamptz not null
);
create table lease (name text primary key, holder text not null, until timestamptz not null);

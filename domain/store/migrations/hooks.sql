-- What goes out by itself: webhooks and mail [0038]. All of a hook lives in its owner's home: the site's, or the firms' home.

create table hook (                      -- a stored subscription and where its events go
  home smallint not null, hook_id bigint not null,
  channel smallint not null check (channel in (0, 1)),
  site_id integer references site, firm_id bigint references firm,
  client_id text references oauth_client, user_id bigint references person,   -- through whom it was made: his rights are looked up for each event
  address text not null check (length(address) between 3 and 2000),
  language text not null check (language in ('en', 'ja')),
  document text, variables jsonb, settlements boolean not null default false, contract_id bigint, only_site integer,
  kinds smallint[],                      -- of a mail: the events that are written about; null of a webhook: all of its subscription
  secret text, old_secret text, old_secret_until timestamptz,
  status smallint not null default 0 check (status in (0, 1, 2)), reason text,
  code_hash bytea, code_until timestamptz, code_tries smallint not null default 0 check (code_tries >= 0),
  machine_at timestamptz not null,
  due_at timestamptz,                    -- when the first of its events is to be tried; null: none waits
  failures integer not null default 0, failing_since timestamptz,
  rate_from timestamptz, rate_count integer not null default 0,
  lease_holder text, lease_until timestamptz,
  primary key (home, hook_id),
  constraint hook_of_a_site_or_a_firm check ((site_id is null) <> (firm_id is null)),
  constraint hook_signs_or_is_mailed check ((channel = 0) = (secret is not null) and (channel = 0) = (document is not null)),
  constraint hook_disabled_for_a_reason check ((status = 1) = (reason is not null))
) with (fillfactor = 60);
create index hook_of_site on hook (site_id) where site_id is not null;
create index hook_of_firm on hook (firm_id) where firm_id is not null;
create unique index hook_one_mail on hook (home, coalesce(site_id, 0), coalesce(firm_id, 0), coalesce(user_id, 0), coalesce(client_id, '')) where channel = 1;

create table hook_head (                 -- how far a home's log has been looked through for hooks
  home smallint primary key, epoch integer not null, day integer not null, pos bigint not null
) with (fillfactor = 50);

create table hook_wake (                 -- a stretch of a log in which there may be something for a hook; goes when it has been told
  home smallint not null, hook_id bigint not null, log_home smallint not null,
  after_day integer not null, after_pos bigint not null, after_index integer not null,
  upto_day integer not null, upto_pos bigint not null,
  lease_holder text, lease_until timestamptz, next_try_at timestamptz, tries integer not null default 0,
  primary key (home, hook_id, log_home)
) with (fillfactor = 50);

create table hook_delivery (             -- what was told to a receiver; the body goes after some days, the row after some weeks
  home smallint not null, delivery_id bigint not null, hook_id bigint not null,
  contract_id bigint, event_kind smallint,                          -- null: of no contract (a sample, a code, a notice about a hook)
  message_id text not null, cursor text, roles smallint not null default 0,
  body text, sha256 bytea not null,
  status smallint not null default 0 check (status in (0, 1, 2, 3)), note text,
  machine_at timestamptz not null, done_at timestamptz,
  primary key (home, delivery_id),
  constraint hook_delivery_ends_once check ((status = 0) = (done_at is null))
) with (fillfactor = 80);
create index hook_delivery_listed on hook_delivery (home, hook_id, delivery_id);
create index hook_delivery_by_status on hook_delivery (home, hook_id, status, delivery_id);

create table hook_work (                 -- what waits to be taken, in order for each contract; rows leave when taken or given up
  home smallint not null, hook_id bigint not null, contract_id bigint not null, delivery_id bigint not null,
  log_home smallint, day integer, pos bigint, index integer,        -- the place of the event in its log; null: it is none of a log
  tries smallint not null default 0 check (tries between 0 and 20), next_try_at timestamptz not null,
  primary key (home, hook_id, contract_id, delivery_id)
) with (fillfactor = 60);

create table hook_attempt (              -- appended only
  home smallint not null, delivery_id bigint not null, no smallint not null,
  machine_at timestamptz not null, status_code smallint, milliseconds integer not null check (milliseconds >= 0),
  error text check (length(error) <= 500),
  primary key (home, delivery_id, no)
);

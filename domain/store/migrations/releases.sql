-- A claim that two operators let go: one asks, another agrees (records, section 1; I18). A firm's own release needs no row.
create table claim_release (
  home smallint, release_id bigint, party_id bigint not null, firm_id bigint not null references firm,
  asked_by bigint not null references person, machine_at timestamptz not null, expires_at timestamptz not null,
  approved_by bigint references person, approved_at timestamptz, withdrawn_at timestamptz,
  primary key (home, release_id),
  constraint claim_release_two_people check (approved_by <> asked_by),
  constraint claim_release_approved_by_somebody check (num_nonnulls(approved_by, approved_at) in (0, 2)),
  constraint claim_release_one_end check (num_nonnulls(approved_at, withdrawn_at) < 2)
);
create unique index claim_release_one_open on claim_release (home, party_id) where approved_at is null and withdrawn_at is null;

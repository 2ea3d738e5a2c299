-- Carriers: events are told apart by the carrier's own name of them, shipments can be stopped, and a site chooses among carriers by rules.
alter table reply_line
  add column event_id text;              -- the carrier's own name of the event: told again it is the same
create table delivery_stop (             -- somebody has asked that a shipment stays (配送中止依頼); stored first, then the carrier is asked
  home smallint, contract_id bigint, attempt smallint check (attempt >= 0), carrier_id text not null references carrier,
  asked_by bigint not null references person, asked_at timestamptz not null, reason text not null,
  answer smallint not null default 0, answered_at timestamptz,   -- domain.statuses.StopAnswer
  lease_holder text, lease_until timestamptz, tries integer not null default 0, next_try_at timestamptz, problem text,
  constraint delivery_stop_answered_at_a_time check ((answer = 0) = (answered_at is null)),
  primary key (home, contract_id, attempt)
);
create index delivery_stop_open on delivery_stop (home, contract_id) where answer = 0;
create table site_route (                -- which carrier a contract's goods go with: rules in order, the first that fits
  site_id integer references site, place integer check (place between 1 and 1000),
  postal_code text, prefecture text, goods text,                -- null: does not matter
  carrier_id text not null references carrier,
  constraint site_route_says_something check (num_nonnulls(postal_code, prefecture, goods) > 0),
  primary key (site_id, place)
);
alter table site alter column carrier_id drop not null;         -- no carrier by default: then every contract needs a rule

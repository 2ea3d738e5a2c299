-- What the lists are read by: every filter and order along an index, and nothing that changes in an index of the state row.

-- ── what never changes: indexes of the contract ──────────────────────────────────────────────────────────────────────
create index contract_site_registered on contract (home, site_id, registered_at, contract_id);
create index contract_buyer_registered on contract (buyer_id, registered_at, contract_id);
create index contract_seller_registered on contract (seller_id, registered_at, contract_id);
create index contract_site_due on contract (home, site_id, due_on, contract_id);
create index contract_buyer_due on contract (buyer_id, due_on, contract_id);
create index contract_seller_due on contract (seller_id, due_on, contract_id);
create index contract_site_amount on contract (home, site_id, amount, contract_id);
create index contract_buyer_amount on contract (buyer_id, amount, contract_id);
create index contract_seller_amount on contract (seller_id, amount, contract_id);
create index contract_site_planned on contract (home, site_id, planned_settled_on, contract_id);
create index contract_seller_planned on contract (seller_id, planned_settled_on, contract_id);

-- ── what becomes known once: dates ───────────────────────────────────────────────────────────────────────────────────
create table contract_date (             -- one row when the date becomes known; parties as in the contract
  home smallint, site_id integer, which smallint check (which in (1, 2)),   -- 1 debited, 2 settled
  on_date date, contract_id bigint, buyer_id bigint not null, seller_id bigint not null,
  primary key (home, site_id, which, on_date, contract_id)
) partition by range (contract_id);
create index contract_date_seller on contract_date (seller_id, which, on_date, contract_id);
create index contract_date_buyer on contract_date (buyer_id, on_date, contract_id) where which = 1;   -- buyers see no settlement
do $$
declare part record;
begin                                    -- the same partitions as the contracts have
  for part in select c.relname, pg_get_expr(c.relpartbound, c.oid) as bounds from pg_class c join pg_inherits i on i.inhrelid = c.oid
               where i.inhparent = 'contract'::regclass
  loop
    execute format('create table %I partition of contract_date %s', replace(part.relname, 'contract_', 'contract_date_'), part.bounds);
  end loop;
end $$;

-- ── what is not at its usual end: places (domain/places.py) ──────────────────────────────────────────────────────────
create table standing (
  home smallint, contract_id bigint, place smallint, site_id integer not null, buyer_id bigint not null, seller_id bigint not null,
  primary key (home, contract_id, place)
);
create index standing_site on standing (home, site_id, place, contract_id);
create index standing_buyer on standing (buyer_id, place, contract_id);
create index standing_seller on standing (seller_id, place, contract_id);

-- ── sums: folded from the stream ─────────────────────────────────────────────────────────────────────────────────────
create table settlement_sum (            -- per seller, and per site (seller_id 0)
  home smallint, site_id integer, seller_id bigint, currency smallint, status smallint,
  rows bigint not null, amount bigint not null,
  primary key (home, site_id, seller_id, currency, status)
) with (fillfactor = 50);
create table sum_place (                 -- how far a home's stream has been folded
  home smallint primary key, day integer not null, pos bigint not null, machine_at timestamptz not null
) with (fillfactor = 50);

-- Carriers that are given CSV files in a directory instead of calls (docs/wire.md section 6).
alter table carrier
  alter column url drop not null, alter column secret drop not null,
  add column connector text not null default 'http',           -- the transport; files are CSV, calls are JSON
  add column address jsonb not null default '{}',              -- directory: {"path"}; sftp: {"host","port","user","key_file","known_host"}
  add column billing_code text,                                -- 請求先顧客コード: the carrier's code for us
  add column status_words jsonb not null default '{}',         -- {its own word: one of ours}, beside the common table
  add constraint carrier_connector_check check (connector in ('http', 'directory', 'sftp')),
  add constraint carrier_is_called_or_given_files check ((connector = 'http') = (url is not null) and (url is null) = (secret is null)),
  add constraint carrier_days check (ship_days between 0 and 60 and overdue_days between 1 and 60);
create table carrier_poll (              -- when a carrier's out/ was last looked through
  carrier_id text primary key references carrier, machine_at timestamptz not null, moves bigint not null, problem text,
  failures integer not null default 0
);
alter table reply drop constraint reply_kind_check;
alter table reply add constraint reply_kind_check check (
  kind in ('receipt', 'result', 'statement', 'credits', 'notices', 'answer', 'shipped', 'tracking', 'other'));

-- What banks announce (振込入金通知, 01): read, compared with the statements, never booked.
create table credit_notice (             -- one credit that a bank has announced, or taken back
  home smallint, account_id bigint, booked_on date, number smallint, line_no integer, inquiry text not null,
  amount bigint not null check (amount > 0), cancels boolean not null, reference text, reply_id bigint not null,
  primary key (home, account_id, booked_on, number, line_no)
);
alter table reply drop constraint reply_kind_check;
alter table reply add constraint reply_kind_check
  check (kind in ('receipt', 'result', 'statement', 'credits', 'notices', 'answer', 'other'));

-- A bank is settings: what its files look like, what it takes and can do, and whether a person approves each file before it goes.
-- The defaults are what every bank was until now. The same limits stand in domain/bank_settings.py, with sentences.
alter table bank
  add column framing text not null default 'crlf',             -- how records follow each other in what we write
  add column encoding text not null default 'jis',
  add column tolerant boolean not null default false,          -- its files are read with LF, CR and stripped spaces forgiven
  add column max_lines integer not null default 999999,        -- a file
  add column max_yen bigint not null default 999999999999,     -- a file
  add column max_line_yen bigint not null default 9999999999,
  add column scheduled_debits boolean not null default true,   -- takes debits for a due date
  add column splits_fees boolean not null default false,       -- splits fees off a direct settlement (S49)
  add column recalls boolean not null default false,           -- gives an accepted instruction back
  add column statements boolean not null default true,         -- sends statements (03)
  add column approves_totals boolean not null default false,   -- a person approves count, amount and hash before a file goes
  add constraint bank_framing check (framing in ('crlf', 'none', 'inside_crlf', 'inside_cr')),
  add constraint bank_encoding check (encoding in ('jis', 'ebcdic')),
  add constraint bank_limits check (max_lines between 1 and 999999 and max_yen between 1 and 999999999999
    and max_line_yen between 1 and 9999999999 and max_line_yen <= max_yen),
  add constraint bank_days check (debit_lead_days between 0 and 60 and credit_lead_days between 0 and 60 and result_days between 0 and 60
    and overdue_days between 0 and 60 and accepts_ahead_days between 0 and 60 and payout_days between 0 and 60
    and seal_before_minutes between 0 and 1439),
  add constraint bank_splits_what_it_settles check (direct_debits or not splits_fees);
alter table batch
  add column awaits_approval boolean not null default false,   -- sealed, and nothing goes before a person has approved its totals
  add column approved_by bigint references person, add column approved_at timestamptz,
  add constraint batch_unapproved_stays check (status <= 1 or not awaits_approval),
  add constraint batch_approved_by_somebody check (num_nonnulls(approved_by, approved_at) in (0, 2));
alter table exception
  add column detail jsonb;                                     -- where it is and what was expected: [{record, byte, field, expected, found ...}]

-- Banks that are called instead of given files, and banks that speak another format than Zengin.
alter table bank
  drop constraint bank_connector_check,
  add constraint bank_connector_check check (connector in ('directory', 'sftp', 'http')),  -- http: {"url","secret"}
  add column format text not null default 'zengin',            -- of its files or calls
  add constraint bank_format check (format in ('zengin', 'iso20022', 'json')),
  add constraint bank_calls_are_json check ((connector = 'http') = (format = 'json')),
  add constraint bank_names_each_line check (format = 'zengin' or not failed_only);

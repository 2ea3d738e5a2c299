-- The lists and sums of the contracts that are there, from their states. Set by set; nobody writes meanwhile.
lock table stream_head in exclusive mode;
insert into contract_date(home, site_id, which, on_date, contract_id, buyer_id, seller_id)
select c.home, c.site_id, d.which, d.on_date, c.contract_id, c.buyer_id, c.seller_id
  from contract c join contract_state s using (home, contract_id)
 cross join lateral (values (1, s.debited_on), (2, s.settled_on)) d(which, on_date)
 where d.on_date is not null;
insert into standing(home, contract_id, place, site_id, buyer_id, seller_id)
select c.home, c.contract_id, p.place, c.site_id, c.buyer_id, c.seller_id
  from contract c join contract_state s using (home, contract_id)
 cross join lateral (values
   (case when s.debit in (0, 1, 2, 3) or s.payout in (0, 1, 2, 4) or (s.payout = 3 and s.delivery in (0, 1, 2, 3)) then 1 end),
   (case when s.debit in (3, 5, 6, 7) then 10 + s.debit end),
   (case when s.delivery in (4, 5) then 2 when s.delivery in (2, 3, 7, 8, 9) then 20 + s.delivery end),
   (case when s.payout in (2, 4, 5) then 30 + s.payout end)) p(place)
 where p.place is not null;
insert into settlement_sum(home, site_id, seller_id, currency, status, rows, amount)
select c.home, c.site_id, coalesce(c.seller_id, 0), c.currency, s.payout, count(*), sum(s.net)
  from contract c join contract_state s using (home, contract_id)
 group by grouping sets ((c.home, c.site_id, c.seller_id, c.currency, s.payout), (c.home, c.site_id, c.currency, s.payout));
insert into sum_place(home, day, pos, machine_at) select home, day, pos, now() from stream_head;

// urql with its normalised cache: unions, scalars, relayPagination in both directions, node, GET, a line that is cut.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";
import { buildSchema, introspectionFromSchema } from "graphql";
import { Client, fetchExchange, gql, subscriptionExchange } from "urql";
import { api, authorization, contract, documented, lossless, numbers, register, socket } from "./world.mjs";

const schema = introspectionFromSchema(buildSchema(readFileSync(new URL("../../schema.graphql", import.meta.url), "utf8")));
// What has no ID of its own is embedded in what has one.
const embedded = ["Count", "Delivery", "Debit", "GoodsLine", "Payout", "Progress", "ProgressStep", "Site", "Terms", "BankAccount", "Viewer", "InputProblem"];
const keys = Object.fromEntries(embedded.map((type) => [type, () => null]));

const requests = [];
async function client(more = {}) {
  const headers = { authorization: await authorization() };
  const watched = (url, options) => (requests.push(options.method), fetch(url, options));
  const cache = cacheExchange({ schema, keys, resolvers: { Query: { contracts: relayPagination({ mergeMode: "outwards" }) } } });
  return new Client({ url: `${api}/graphql`, fetchOptions: { headers }, fetch: watched, exchanges: [cache, fetchExchange], ...more });
}

const REGISTER = gql`
  mutation ($input: RegisterContractInput!) {
    registerContract(input: $input) {
      __typename
      ... on ContractRegistered { alreadyRegistered debitOn contract { id number amount registeredAt } }
      ... on Problem { code message path }
    }
  }
`;
const LIST = gql`
  query ($first: Int, $after: String, $last: Int, $before: String) {
    contracts(first: $first, after: $after, last: $last, before: $before) {
      edges { cursor node { id number amount } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
`;
const NODE = gql`query ($id: ID!) { node(id: $id) { __typename id ... on Contract { number asOf amount } } }`;

async function data(promise) {
  const result = await promise;
  assert.equal(result.error, undefined, String(result.error));
  return result.data;
}

test("a registration and its refusal are members of one union", async () => {
  const urql = await client();
  const say = async (more) => (await data(urql.mutation(REGISTER, { input: contract("urql-union", more) }))).registerContract;
  const first = await say();
  assert.deepEqual([first.__typename, first.alreadyRegistered, first.contract.amount], ["ContractRegistered", false, 30000]);
  assert.match(first.debitOn, /^\d{4}-\d{2}-\d{2}$/);
  const refused = await say({ dueOn: "2000-13-01" });
  assert.deepEqual([refused.__typename, refused.code, refused.path], ["ContractRefused", "DATE_NOT_POSSIBLE", []]);
});

test("relayPagination goes forwards and backwards, and node finds what the list showed", async () => {
  await register(...numbers("urql-page", 1, 7));
  const rows = (found) => found.contracts.edges.map((edge) => edge.node.number);
  const { endCursor } = (await data((await client()).query(LIST, { first: 2 }))).contracts.pageInfo;
  const urql = await client();
  const middle = await data(urql.query(LIST, { first: 2, after: endCursor }));
  assert.deepEqual(rows(middle), ["urql-page-5", "urql-page-4"]);
  const { edges, pageInfo } = middle.contracts; // relayPagination itself fills in only the end that it walks towards
  assert.equal(pageInfo.hasNextPage, true);
  await data(urql.query(LIST, { first: 2, after: pageInfo.endCursor }));
  const all = await data(urql.query(LIST, { last: 2, before: edges[0].cursor }));
  assert.deepEqual(rows(all), numbers("urql-page", 2, 7).reverse());

  const { node } = all.contracts.edges[0];
  const found = (await data(urql.query(NODE, { id: node.id }))).node;
  assert.deepEqual([found.__typename, found.number, found.amount], ["Contract", node.number, 30000]);
});

test("queries go by GET where urql likes it, mutations never", async () => {
  for (const preferGetMethod of ["force", "within-url-limit", false]) {
    const urql = await client({ preferGetMethod });
    requests.length = 0;
    await data(urql.query(LIST, { first: 1 }));
    await data(urql.mutation(REGISTER, { input: contract("urql-union") }));
    assert.deepEqual(requests, [preferGetMethod ? "GET" : "POST", "POST"]);
  }
});

test("an error has a code", async () => {
  const { error } = await (await client()).query(LIST, { first: 1000 });
  assert.equal(error.graphQLErrors[0].extensions.code, "PAGE_TOO_LARGE");
});

test("subscriptions through subscriptionExchange: nothing lost, nothing double", () =>
  lossless("urql", async (host, after, show) => {
    const ws = socket(host);
    const follow = documented("docs/subscriptions.md", "const follow", "ws")(ws);
    const forwardSubscription = (request) => ({ subscribe: (sink) => ({ unsubscribe: follow(request, sink) }) });
    const urql = new Client({ url: `${api}/graphql`, exchanges: [subscriptionExchange({ forwardSubscription })] });
    const query = gql`subscription ($after: Cursor) { settlementUpdated(after: $after) { cursor settlement { number } } }`;
    let trouble;
    const { unsubscribe } = urql.subscription(query, { after }).subscribe((result) => {
      if (result.error) trouble ??= result.error;
      else show(result.data.settlementUpdated.settlement.number);
    });
    return async () => {
      unsubscribe();
      await ws.dispose();
      assert.equal(trouble, undefined);
    };
  }));

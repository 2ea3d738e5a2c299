// Apollo Client: unions, scalars, relayStylePagination in both directions, node, automatic persisted queries, a line that is cut.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import test from "node:test";
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client/core/index.js";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries/index.js";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions/index.js";
import { relayStylePagination } from "@apollo/client/utilities/index.js";
import { buildSchema, isInterfaceType, isUnionType } from "graphql";
import { map } from "rxjs";
import { api, authorization, contract, documented, lossless, numbers, register, socket } from "./world.mjs";

const schema = buildSchema(readFileSync(new URL("../../schema.graphql", import.meta.url), "utf8"));
const abstract = Object.values(schema.getTypeMap()).filter((type) => isInterfaceType(type) || isUnionType(type));
const possibleTypes = Object.fromEntries(abstract.map((type) => [type.name, schema.getPossibleTypes(type).map((one) => one.name)]));

function cache() {
  const fields = { contracts: relayStylePagination(["filter", "orderBy"]) };
  return new InMemoryCache({ possibleTypes, typePolicies: { Query: { fields } } });
}

const requests = [];
async function client(...before) {
  const headers = { authorization: await authorization() };
  const watched = (url, options) => (requests.push([options.method, String(url), options.body]), fetch(url, options));
  const http = new HttpLink({ uri: `${api}/graphql`, headers, fetch: watched });
  return new ApolloClient({ cache: cache(), link: ApolloLink.from([...before, http]) });
}

const REGISTER = gql`
  mutation ($input: RegisterContractInput!) {
    registerContract(input: $input) {
      ... on ContractRegistered { alreadyRegistered debitOn contract { id number amount currency registeredAt } }
      ... on ContractConflict { differing existing { id number amount } }
      ... on Problem { code message path }
    }
  }
`;
const LIST = gql`
  query ($first: Int, $after: String, $last: Int, $before: String) {
    contracts(first: $first, after: $after, last: $last, before: $before) {
      count { value exact }
      edges { cursor node { id number amount } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
`;
const NODE = gql`query ($id: ID!) { node(id: $id) { id ... on Contract { number asOf amount } } }`;

test("a registration, its repetition, its conflict and its refusal are members of one union", async () => {
  const apollo = await client();
  const say = async (more) => (await apollo.mutate({ mutation: REGISTER, variables: { input: contract("apollo-union", more) } })).data.registerContract;
  const first = await say();
  assert.deepEqual([first.__typename, first.alreadyRegistered, first.contract.amount], ["ContractRegistered", false, 30000]);
  assert.match(first.debitOn, /^\d{4}-\d{2}-\d{2}$/);
  assert.match(first.contract.registeredAt, /\+09:00$/);
  assert.equal((await say({ amount: "30000" })).alreadyRegistered, true); // an amount may be a text of digits
  const conflict = await say({ amount: 1 });
  assert.deepEqual([conflict.__typename, conflict.code, conflict.differing], ["ContractConflict", "CONTENT_DIFFERS", [["amount"]]]);
  assert.equal(conflict.existing.amount, 30000);
  const refused = await say({ amount: "1.5" });
  assert.deepEqual([refused.__typename, refused.code, refused.path], ["ContractRefused", "INPUT_INVALID", []]);
});

test("relayStylePagination goes forwards and backwards, and node finds what the list showed", async () => {
  await register(...numbers("apollo-page", 1, 7));
  const rows = (data) => data.contracts.edges.map((edge) => edge.node.number);
  const top = await (await client()).query({ query: LIST, variables: { first: 2 } }); // the latest first: 7 6
  const apollo = await client();
  const variables = { first: 2, after: top.data.contracts.pageInfo.endCursor };
  const begun = await apollo.query({ query: LIST, variables });
  assert.deepEqual(rows(begun.data), ["apollo-page-5", "apollo-page-4"]);
  const { pageInfo } = begun.data.contracts;
  assert.deepEqual([pageInfo.hasNextPage, pageInfo.hasPreviousPage], [true, true]);
  const middle = apollo.watchQuery({ query: LIST, variables });
  const watching = middle.subscribe({});
  await middle.fetchMore({ variables: { first: 2, after: pageInfo.endCursor } });
  await middle.fetchMore({ variables: { first: null, after: null, last: 2, before: pageInfo.startCursor } });
  const all = apollo.readQuery({ query: LIST, variables });
  assert.deepEqual(rows(all), numbers("apollo-page", 2, 7).reverse());
  assert.equal(all.contracts.pageInfo.hasPreviousPage, false);
  watching.unsubscribe();

  const { node } = all.contracts.edges[3];
  const found = (await apollo.query({ query: NODE, variables: { id: node.id } })).data.node;
  assert.deepEqual([found.__typename, found.number, found.amount], ["Contract", node.number, 30000]);
  assert.equal((await apollo.query({ query: NODE, variables: { id: "nothing-like-it" } })).data.node, null);
});

test("automatic persisted queries: a hash that is not known is followed by the text, also when hashes go by GET", async () => {
  for (const useGETForHashedQueries of [false, true]) {
    const sha256 = (text) => createHash("sha256").update(text).digest("hex");
    const apollo = await client(new PersistedQueryLink({ sha256, useGETForHashedQueries }));
    requests.length = 0;
    const { data } = await apollo.query({ query: LIST, variables: { first: 1 } });
    assert.equal(data.contracts.edges.length, 1);
    assert.equal(requests.length, 2);
    assert.equal(requests[0][0], useGETForHashedQueries ? "GET" : "POST");
    assert.ok(!(requests[0][2] ?? requests[0][1]).includes("contracts"), "the first request has only the hash");
  }
});

test("an error has a code", async () => {
  const apollo = await client();
  await assert.rejects(apollo.query({ query: LIST, variables: { first: 1000 } }), (error) => error.errors[0].extensions.code === "PAGE_TOO_LARGE");
});

test("subscriptions through GraphQLWsLink: nothing lost, nothing double", () =>
  lossless("apollo", async (host, after, show) => {
    const ws = socket(host);
    const moving = documented("docs/subscriptions.md", "const moving", "ApolloLink", "map");
    const apollo = new ApolloClient({ cache: cache(), link: ApolloLink.from([moving(ApolloLink, map), new GraphQLWsLink(ws)]) });
    const query = gql`subscription ($after: Cursor) { settlementUpdated(after: $after) { cursor settlement { number } } }`;
    let trouble;
    const following = apollo.subscribe({ query, variables: { after } }).subscribe({
      next: ({ data, error }) => (error ? (trouble ??= error) : show(data.settlementUpdated.settlement.number)),
      error: (error) => (trouble ??= error),
    });
    return async () => {
      following.unsubscribe();
      await ws.dispose();
      assert.equal(trouble, undefined);
    };
  }));

// Relay: what relay-compiler has compiled, usePaginationFragment in both directions, node refetch, unions, a line that is cut.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import test from "node:test";
import { createElement } from "react";
import reactRelay from "react-relay";
import { act, create } from "react-test-renderer";
import relay from "relay-runtime";
import { api, ask, authorization, contract, documented, lossless, numbers, register, socket } from "./world.mjs";

const { RelayEnvironmentProvider, useFragment, useLazyLoadQuery, usePaginationFragment } = reactRelay;
const { Environment, Network, Observable, RecordSource, Store, commitMutation, fetchQuery, requestSubscription } = relay;
const require = createRequire(import.meta.url);
const compiled = (name) => require(`./compiled/documents${name}.graphql.js`);
globalThis.IS_REACT_ACT_ENVIRONMENT = true;

async function send(operation, variables) {
  const answer = await fetch(`${api}/graphql`, {
    method: "POST",
    headers: { authorization: await authorization(), "content-type": "application/json", accept: "application/graphql-response+json" },
    body: JSON.stringify({ query: operation.text, variables }),
  });
  return answer.json();
}

function environment(subscribe) {
  return new Environment({ network: Network.create(send, subscribe), store: new Store(new RecordSource()) });
}

/** Draws a list that begins after `after`; answers what stands on the screen and the hooks' own functions. */
async function draw(around, first, after) {
  const seen = {};
  function Row({ contract }) {
    const row = useFragment(compiled("_contract"), contract);
    return `${row.number}:${row.amount}${row.currency}`;
  }
  function List({ query }) {
    Object.assign(seen, usePaginationFragment(compiled("_list"), query));
    return seen.data.contracts.edges.map((edge) => createElement(Row, { key: edge.node.number, contract: edge.node }));
  }
  function Page() {
    return createElement(List, { query: useLazyLoadQuery(compiled("ListQuery"), { first, after }) });
  }
  await fetchQuery(around, compiled("ListQuery"), { first, after }).toPromise();
  let drawn;
  await act(async () => {
    drawn = create(createElement(RelayEnvironmentProvider, { environment: around }, createElement(Page)));
  });
  const load = (how, count) => act(() => new Promise((onComplete) => seen[how](count, { onComplete })));
  return { seen, load, rows: () => [drawn.toJSON()].flat(), end: () => act(async () => drawn.unmount()) };
}

test("a registration and its refusal are members of one union", async () => {
  const around = environment();
  const say = (more) =>
    new Promise((resolve, onError) => {
      const variables = { input: contract("relay-union", more) };
      const onCompleted = (data) => resolve(data.registerContract);
      commitMutation(around, { mutation: compiled("RegisterMutation"), variables, onCompleted, onError });
    });
  const first = await say();
  assert.deepEqual([first.__typename, first.contract.amount], ["ContractRegistered", 30000]);
  const refused = await say({ amount: 0 });
  assert.deepEqual([refused.__typename, refused.code, refused.problems[0].path], ["ContractRefused", "INPUT_INVALID", ["amount"]]);
});

test("usePaginationFragment loads the next and the previous page", async () => {
  await register(...numbers("relay-page", 1, 7));
  const { contracts } = await ask("{ contracts(first: 2) { pageInfo { endCursor } } }"); // the latest first: 7 6
  const page = await draw(environment(), 2, contracts.pageInfo.endCursor);
  const written = (from, to) => numbers("relay-page", to, from).reverse().map((number) => `${number}:30000JPY`);
  assert.deepEqual(page.rows(), written(5, 4));
  assert.deepEqual([page.seen.hasNext, page.seen.hasPrevious], [true, true]);
  await page.load("loadNext", 2);
  assert.deepEqual(page.rows(), written(5, 2));
  await page.load("loadPrevious", 2);
  assert.deepEqual(page.rows(), written(7, 2));
  assert.deepEqual([page.seen.hasNext, page.seen.hasPrevious], [true, false]);
  await page.end();
});

test("node finds a contract again, for a fragment's own refetch too", async () => {
  const around = environment();
  const { contracts } = await ask("{ contracts(first: 1) { edges { node { id number } } } }");
  const { id, number } = contracts.edges[0].node;
  const { node } = await fetchQuery(around, compiled("NodeQuery"), { id }).toPromise();
  assert.deepEqual([node.__typename, node.id, node.number, node.amount], ["Contract", id, number, 30000]);
  const again = await fetchQuery(around, compiled("ContractQuery"), { id }).toPromise();
  assert.equal(again.node.__id ?? again.node.id, id);
  assert.deepEqual((await fetchQuery(around, compiled("NodeQuery"), { id: "nothing" }).toPromise()).node, null);
});

test("requestSubscription: nothing lost, nothing double", () =>
  lossless("relay", async (host, after, show) => {
    const ws = socket(host);
    const follow = documented("docs/subscriptions.md", "const follow", "ws")(ws);
    const subscribe = (operation, variables) => Observable.create((sink) => follow({ query: operation.text, variables }, sink));
    let trouble;
    const following = requestSubscription(environment(subscribe), {
      subscription: compiled("FollowSubscription"),
      variables: { after },
      onNext: (data) => show(data.settlementUpdated.settlement.number),
      onError: (error) => (trouble ??= error),
    });
    return async () => {
      following.dispose();
      await ws.dispose();
      assert.equal(trouble, undefined);
    };
  }));

// graphql-ws and graphql-sse with the recipe of docs/subscriptions.md, word for word.
import assert from "node:assert/strict";
import test from "node:test";
import * as sse from "graphql-sse";
import { api, asOf, authorization, documented, lossless, register, socket, soon, until } from "./world.mjs";

const query = `subscription ($after: Cursor) {
  settlementUpdated(after: $after) { id cursor kind settlement { number status } }
}`;
const recipe = documented("docs/subscriptions.md", "const payload = { query, variables: { after: asOf } }", "ws", "query", "asOf", "show", "error", "complete");

function begin(ws, after, show, failed) {
  const next = (result) => show(result.data.settlementUpdated.settlement.number);
  recipe(ws, query, after, next, failed, () => failed(new Error("ended")));
}

function watched(ws, after, show) {
  let trouble;
  begin(ws, after, show, (error) => (trouble ??= error));
  return async () => {
    assert.equal(trouble, undefined);
    await ws.dispose();
  };
}

test("graphql-ws: nothing lost, nothing double", () =>
  lossless("ws", async (host, after, show) => watched(socket(host), after, show)));

test("graphql-sse: nothing lost, nothing double", () =>
  lossless("sse", async (host, after, show) => {
    const headers = async () => ({ authorization: await authorization() });
    const line = sse.createClient({ url: `http://${host}/graphql`, headers, retry: soon, retryAttempts: Infinity });
    return watched(line, after, show);
  }));

test("graphql-ws alone sends its first `after` again: why there is a recipe", async () => {
  let doubles;
  await assert.rejects(
    lossless("unmoved", async (host, after, show) => {
      const ws = socket(host);
      const seen = new Set();
      const next = (result) => {
        const { number } = result.data.settlementUpdated.settlement;
        doubles ||= seen.has(number);
        seen.add(number);
        show(number);
      };
      ws.subscribe({ query, variables: { after } }, { next, error() {}, complete() {} });
      return () => ws.dispose();
    }),
  );
  assert.equal(doubles, true);
});

test("graphql-ws: an operation that is refused is an error of that operation alone", async () => {
  const ws = socket(new URL(api).host);
  const shown = [];
  const following = "subscription ($of: ContractKeyInput) { contractStatusChanged(of: $of) { contract { number } } }";
  const after = await asOf();
  const good = ws.subscribe({ query, variables: { after } }, { next: (one) => shown.push(one), error() {}, complete() {} });
  const refused = await new Promise((next, error) => {
    const of = { number: { siteId: "130", number: "there is none" } };
    ws.subscribe({ query: following, variables: { of } }, { next, error, complete() {} });
  });
  assert.equal(refused.errors[0].extensions.code, "NOT_FOUND");
  const invalid = await new Promise((error) => {
    ws.subscribe({ query: "subscription { nothingLikeIt }" }, { next() {}, error, complete() {} });
  });
  assert.equal(invalid[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
  await register("ws-good-1");
  await until(() => shown.length === 1, () => JSON.stringify(shown));
  good();
  await ws.dispose();
});

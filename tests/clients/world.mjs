// What all clients share: where the server is, a token, contracts to look at, and a line that can be cut.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import net from "node:net";
import { createClient } from "graphql-ws";
import WebSocket from "ws";

export const api = process.env.KESSAI_API;

let known;
export function token() {
  known ??= (async () => {
    const basic = Buffer.from(`${process.env.CLIENT_ID}:${process.env.CLIENT_SECRET}`).toString("base64");
    const answer = await fetch(`${api}/oauth/token`, {
      method: "POST",
      headers: { authorization: `Basic ${basic}` },
      body: new URLSearchParams({ grant_type: "client_credentials" }),
    });
    assert.equal(answer.status, 200);
    return (await answer.json()).access_token;
  })();
  return known;
}

export async function authorization() {
  return `Bearer ${await token()}`;
}

/** A plain request, without any client. */
export async function ask(query, variables) {
  const answer = await fetch(`${api}/graphql`, {
    method: "POST",
    headers: { authorization: await authorization(), "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  const body = await answer.json();
  assert.equal(body.errors, undefined, JSON.stringify(body));
  return body.data;
}

/** A registration as a site sends it: the buyer has a mandate, the seller is paid at another bank. */
export function contract(number, more = {}) {
  const party = (code, bankCode, account) => ({
    code,
    name: `${code}社`,
    address: "港区青山",
    account: { bankCode, branchCode: "101", type: "ORDINARY", number: account, holder: `${code.toUpperCase()}ｼﾔ` },
  });
  const goods = [{ name: "デスク", model: "AP55", quantity: 1 }];
  return { number, amount: 30000, seller: party("s", "9990", "9000001"), buyer: party("b1", "9991", "9100001"), goods, ...more };
}

/** Registers contracts in one call, in this order. */
export async function register(...numbers) {
  const data = await ask(
    "mutation ($input: RegisterContractsInput!) { registerContracts(input: $input) { ... on ContractsRegistered { registeredCount } } }",
    { input: { contracts: numbers.map((number) => contract(number)) } },
  );
  assert.equal(data.registerContracts.registeredCount, numbers.length);
}

export function numbers(prefix, from, to) {
  return Array.from({ length: to - from + 1 }, (_, place) => `${prefix}-${from + place}`);
}

/** Where the log stands now. */
export async function asOf() {
  return (await ask("{ settlements(first: 1) { asOf } }")).settlements.asOf;
}

/** Waits until something is so; looks again whenever the loop has turned. */
export async function until(what, said) {
  const deadline = Date.now() + 20_000;
  while (!what()) {
    assert.ok(Date.now() < deadline, `never came: ${said()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A TCP line to the server that can be cut: at once, or in the middle of what the server says. */
export class Line {
  pairs = new Set();
  refused = false;
  left = Infinity; // bytes that the server may still say
  cuts = 0;

  static async open() {
    const line = new Line();
    const { hostname, port } = new URL(api);
    line.server = net.createServer((near) => {
      if (line.refused) return void near.destroy();
      const far = net.connect(Number(port), hostname);
      const pair = [near, far];
      line.pairs.add(pair);
      for (const end of pair) {
        end.on("error", () => {});
        end.on("close", () => {
          pair.forEach((one) => one.destroy());
          line.pairs.delete(pair);
        });
      }
      near.on("data", (bytes) => far.write(bytes));
      far.on("data", (bytes) => {
        near.write(bytes.subarray(0, Math.min(bytes.length, line.left)), () => {
          if (line.left <= 0) line.cut();
        });
        line.left -= bytes.length;
      });
    });
    await new Promise((resolve) => line.server.listen(0, "127.0.0.1", resolve));
    line.host = `127.0.0.1:${line.server.address().port}`;
    return line;
  }

  cut() {
    if (this.pairs.size) this.cuts += 1;
    this.left = Infinity;
    for (const pair of this.pairs) pair.forEach((end) => end.destroy());
    this.pairs.clear();
  }

  close() {
    this.refused = true;
    this.cut();
    this.server.close();
  }
}

/**
 * Follows registrations through a line that is cut in the middle of a message, and once more while nothing is said;
 * what is registered meanwhile is not told twice and not left out. `follow(host, after, show)` begins and answers how to stop.
 */
export async function lossless(prefix, follow) {
  const line = await Line.open();
  const seen = [];
  const said = () => JSON.stringify(seen);
  const has = (number) => () => seen.includes(number);
  const after = await asOf();
  await register(...numbers(prefix, 1, 3)); // lie between the snapshot and the subscription
  const stop = await follow(line.host, after, (number) => seen.push(number));
  try {
    await until(has(`${prefix}-3`), said);
    line.left = 900; // bytes: somewhere in the middle of the following events
    await register(...numbers(prefix, 4, 15));
    await until(() => line.cuts === 1, said);
    await until(has(`${prefix}-15`), said);
    line.refused = true;
    line.cut();
    await register(...numbers(prefix, 16, 20));
    line.refused = false;
    await until(has(`${prefix}-20`), said);
    await register(`${prefix}-21`);
    await until(has(`${prefix}-21`), said);
    assert.deepEqual(seen, numbers(prefix, 1, 21));
    assert.equal(line.cuts, 2);
  } finally {
    await stop();
    line.close();
  }
}

/** A block of code of the documentation as a function of these names: what is written there is what is run. */
export function documented(path, has, ...names) {
  const text = readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
  const block = [...text.matchAll(/^```ts\n(.*?)^```/gms)].map((found) => found[1]).find((one) => one.includes(has));
  assert.ok(block, `${path} has no block with ${has}`);
  const made = /^const (\w+) = (?:.*=>|new|createClient)/m.exec(block)?.[1]; // a block that only defines something hands it over
  return new Function(...names, block + (made ? `return ${made};` : ""));
}

export const soon = () => new Promise((resolve) => setTimeout(resolve, 20));

/** A client of graphql-ws as docs/subscriptions.md makes it, only quicker to connect again. */
export function socket(host) {
  const make = documented("docs/subscriptions.md", "const ws = createClient", "createClient", "url", "freshToken");
  const quicker = (options) => createClient({ ...options, webSocketImpl: WebSocket, retryWait: soon });
  return make(quicker, `ws://${host}/graphql`, token);
}

"use strict";
// People sign in: authorization code with PKCE, in a window of its own, so that what belongs to it never leaves this page's memory.
// The window comes back to this same page with a code, hands that over on a channel of this origin, and closes. A code without the
// verifier is worth nothing.

const Person = (() => {
  const CHANNEL = "kessai-explorer";
  const BEFORE = 60; // seconds before a token ends, another one is fetched
  let issuer = "", keep = null, enter = null, timer = 0;
  let asked = null; // the request that is under way: state, verifier, client
  let refresh = null; // what the next token is had for

  const random = () => encode(crypto.getRandomValues(new Uint8Array(32)));

  function encode(bytes) {
    const text = btoa(String.fromCharCode(...new Uint8Array(bytes)));
    return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  }

  const home = () => `${location.origin}/explorer`;

  async function signIn(client) {
    part("door-problem").textContent = "";
    const opened = window.open("", "_blank", "popup,width=520,height=720");
    if (!opened) throw new Error(say("blocked"));
    const verifier = random();
    asked = { client, verifier, state: random() };
    const challenge = encode(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)));
    const query = new URLSearchParams({
      response_type: "code", client_id: client, redirect_uri: home(), state: asked.state, code_challenge: challenge, code_challenge_method: "S256",
    });
    opened.location = `/oauth/authorize?${query}`;
    part("door-problem").textContent = say("waiting");
  }

  async function tokens(form) {
    const response = await fetch("/oauth/token", { method: "POST", body: new URLSearchParams(form), credentials: "omit" });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error_description || answer.error);
    return answer;
  }

  async function answered(given) {
    if (!asked || given.state !== asked.state || given.iss !== issuer) throw new Error(say("strange"));
    const { client, verifier } = asked;
    asked = null;
    if (given.error) throw new Error(`${say("denied")} ${given.error_description || given.error}`);
    const answer = await tokens({
      grant_type: "authorization_code", code: given.code, redirect_uri: home(), client_id: client, code_verifier: verifier,
    });
    later(client, answer);
    await enter(answer.access_token);
  }

  function later(client, answer) {
    refresh = answer.refresh_token ? { client, token: answer.refresh_token } : null;
    clearTimeout(timer);
    if (refresh) timer = setTimeout(again, Math.max(answer.expires_in - BEFORE, 1) * 1000);
  }

  async function again() {
    const { client, token } = refresh;
    try {
      const answer = await tokens({ grant_type: "refresh_token", refresh_token: token, client_id: client });
      later(client, answer);
      keep(answer.access_token);
    } catch (wrong) {
      refresh = null;
      state(wrong.message, true);
    }
  }

  function leave() {
    clearTimeout(timer);
    if (!refresh) return;
    const form = { token: refresh.token, client_id: refresh.client };
    refresh = null;
    fetch("/oauth/revoke", { method: "POST", body: new URLSearchParams(form), credentials: "omit" }).catch(() => {});
  }

  async function begin(kept, entering) {
    [keep, enter] = [kept, entering];
    const channel = new BroadcastChannel(CHANNEL);
    const given = Object.fromEntries(new URLSearchParams(location.search));
    if (given.state && (given.code || given.error)) { // this is the window that came back
      history.replaceState(null, "", "/explorer");
      channel.postMessage(given);
      part("door").replaceChildren(say("back"));
      return window.close();
    }
    channel.addEventListener("message", (event) => {
      if (asked) answered(event.data).catch((wrong) => { part("door-problem").textContent = wrong.message; });
    });
    part("frontend").value = new URLSearchParams(location.hash.slice(1)).get("client") || "";
    const about = await (await fetch("/.well-known/oauth-protected-resource", { credentials: "omit" })).json();
    issuer = about.authorization_servers[0];
    part("by-person").hidden = issuer !== location.origin; // people sign in elsewhere, or this page was opened under another name
  }

  return { begin, signIn, leave };
})();

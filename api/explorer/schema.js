"use strict";
// The schema as the server tells it after sign-in, to be read and searched.

const INTROSPECTION = `query Introspection {
  __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types { kind name description
      fields(includeDeprecated: true) { name description isDeprecated deprecationReason type { ...Kind }
        args { name description defaultValue type { ...Kind } } }
      inputFields { name description defaultValue type { ...Kind } }
      enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
      interfaces { name } possibleTypes { name } }
  }
}
fragment Kind on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }`;

const Schema = (() => {
  let types = new Map();
  let roots = [];
  let place = null;
  let words = {};

  function element(name, text, kind) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  }

  function typeText(type) {
    if (type.kind === "NON_NULL") return typeText(type.ofType) + "!";
    if (type.kind === "LIST") return "[" + typeText(type.ofType) + "]";
    return type.name;
  }

  function named(type) {
    while (type.ofType) type = type.ofType;
    return type.name;
  }

  function link(name, text) {
    const made = element("button", text || name, "link");
    made.type = "button";
    made.addEventListener("click", () => show(name));
    return made;
  }

  function entry(list, one) {
    const term = element("dt");
    term.append(element("code", one.name, one.isDeprecated ? "old" : undefined));
    if (one.args && one.args.length) {
      term.append("(");
      one.args.forEach((argument, index) => {
        if (index) term.append(", ");
        term.append(argument.name + ": ", link(named(argument.type), typeText(argument.type)));
      });
      term.append(")");
    }
    if (one.type) term.append(": ", link(named(one.type), typeText(one.type)));
    if (one.defaultValue) term.append(" = " + one.defaultValue);
    list.append(term);
    if (one.deprecationReason) list.append(element("dd", one.deprecationReason, "problem"));
    if (one.description) list.append(element("dd", one.description));
    for (const argument of one.args || []) {
      if (argument.description) list.append(element("dd", argument.name + ": " + argument.description));
    }
  }

  function part(title, entries) {
    if (!entries || !entries.length) return;
    place.append(element("h3", title));
    const list = element("dl");
    for (const one of entries) entry(list, one);
    place.append(list);
  }

  function show(name) {
    const type = types.get(name);
    place.replaceChildren();
    const back = element("button", words.allTypes, "link");
    back.type = "button";
    back.addEventListener("click", overview);
    place.append(back, element("h2", type.name), element("p", type.description || ""));
    part(words.fields, type.fields);
    part(words.inputs, type.inputFields);
    part(words.values, type.enumValues);
    for (const [title, others] of [[words.interfaces, type.interfaces], [words.members, type.possibleTypes]]) {
      if (!others || !others.length) continue;
      place.append(element("h3", title));
      others.forEach((other) => place.append(link(other.name), " "));
    }
    place.scrollTop = 0;
  }

  function overview() {
    place.replaceChildren();
    for (const name of roots) {
      place.append(element("h2", name));
      const list = element("dl");
      for (const one of types.get(name).fields) entry(list, one);
      place.append(list);
    }
    place.append(element("h2", words.types));
    for (const name of [...types.keys()].sort()) {
      if (name.startsWith("__") || roots.includes(name)) continue;
      place.append(link(name), " ");
    }
  }

  function search(text) {
    const wanted = text.trim().toLowerCase();
    if (!wanted) return overview();
    place.replaceChildren();
    for (const type of types.values()) {
      if (type.name.startsWith("__")) continue;
      const inside = [...(type.fields || []), ...(type.inputFields || []), ...(type.enumValues || [])];
      const found = inside.filter((one) => (one.name + " " + (one.description || "")).toLowerCase().includes(wanted));
      if (!found.length && !(type.name + " " + (type.description || "")).toLowerCase().includes(wanted)) continue;
      const line = element("p");
      line.append(link(type.name), found.length ? ": " + found.map((one) => one.name).join(", ") : "");
      place.append(line);
    }
  }

  return {
    take(answer, where, texts) {
      place = where;
      words = texts;
      types = new Map(answer.types.map((type) => [type.name, type]));
      roots = [answer.queryType, answer.mutationType, answer.subscriptionType].filter(Boolean).map((type) => type.name);
      overview();
    },
    search,
  };
})();

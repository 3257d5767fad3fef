// Writes tests/golden/tokenizers/corpus/<variant>.hash with the reference tokenizer (the npm package
// "tokenizers", 0.23): node reference_ids.js CORPUS.json GOLDEN_FOLDER, where CORPUS.json is what
// build/release/bin/text_corpus prints. A record is 4 bytes a string: FNV-1a of its ids (template
// mode; int32, little-endian), 16 bits; of the ids with special tokens and of the decoded random
// ids, 8 bits each.
const fs = require("fs");
const path = require("path");
const { Tokenizer } = require("tokenizers");

// RFC 7386.
function patched(target, patch) {
  if (patch === null || typeof patch !== "object" || Array.isArray(patch)) return patch;
  const out = target && typeof target === "object" && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete out[key];
    else out[key] = patched(out[key], value);
  }
  return out;
}

function fnv(buffer) {
  let h = 2166136261;
  for (const byte of buffer) h = Math.imul(h ^ byte, 16777619) >>> 0;
  return h;
}

const idBytes = (ids) => Buffer.from(Int32Array.from(ids).buffer);

(async () => {
  const corpus = JSON.parse(fs.readFileSync(process.argv[2]));
  const folder = process.argv[3];
  const variants = JSON.parse(fs.readFileSync(path.join(folder, "variants.json")));
  fs.mkdirSync(path.join(folder, "corpus"), { recursive: true });
  for (const [name, { base, patch }] of Object.entries(variants)) {
    const file = JSON.parse(fs.readFileSync(path.join(folder, base + ".json")));
    const tokenizer = Tokenizer.fromString(JSON.stringify({
      added_tokens: [], normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null,
      ...patched(file, patch),
    }));
    const out = Buffer.alloc(4 * corpus.strings.length);
    const dump = process.env.DUMP ? [] : null;
    for (let i = 0; i < corpus.strings.length; ++i) {
      const plain = (await tokenizer.encode(corpus.strings[i], null, { addSpecialTokens: false })).getIds();
      const special = (await tokenizer.encode(corpus.strings[i], null)).getIds();
      const text = await tokenizer.decode(corpus.ids[i], false);
      out.writeUInt16LE(fnv(idBytes(plain)) & 0xffff, 4 * i);
      out.writeUInt8(fnv(idBytes(special)) & 0xff, 4 * i + 2);
      out.writeUInt8(fnv(Buffer.from(text)) & 0xff, 4 * i + 3);
      if (dump) dump.push({ text: corpus.strings[i], ids: plain, special, random: corpus.ids[i], decoded: text });
    }
    fs.writeFileSync(path.join(folder, "corpus", name + ".hash"), out);
    if (dump) fs.writeFileSync(path.join(process.env.DUMP, name + ".json"), JSON.stringify(dump));
    console.log(name);
  }
})();

/** Inputs that a parser never hoped for, made from good ones: the same seed makes the same ones. */
import type { SeededRandom } from "../../crash/seededRandom.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type ByteMutation = (bytes: Bytes, random: SeededRandom) => Bytes;

/** Values that formats give a meaning: nothing, one, signs, limits, "to the end". */
const tellingWords = [0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 512, 65536, 65537, 3007000, 3007001];

const viewOf = (bytes: Bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const byteMutations: readonly ByteMutation[] = [
  (bytes, random) => bytes.subarray(0, random.integer(0, bytes.byteLength)),
  (bytes, random) => {
    for (let flips = random.integer(1, 8); flips > 0; flips -= 1) {
      const offset = random.integer(0, Math.max(0, bytes.byteLength - 1));
      bytes[offset] = (bytes[offset] ?? 0) ^ (1 << random.integer(0, 7));
    }
    return bytes;
  },
  (bytes, random) => {
    if (bytes.byteLength < 4) return bytes;
    const view = viewOf(bytes);
    // Headers are at the beginning, and there is what is read.
    const last = random.choice(Math.min(140, bytes.byteLength - 4), bytes.byteLength - 4);
    const offset = random.integer(0, last >> 1) * 2;
    const value = tellingWords[random.integer(0, tellingWords.length - 1)] ?? 0;
    view.setUint32(Math.min(offset, bytes.byteLength - 4), value, random.choice(true, false));
    return bytes;
  },
  (bytes, random) => bytes.fill(random.choice(0, 0xff), random.integer(0, bytes.byteLength)),
  (bytes, random) => bytes.fill(0, 0, random.integer(0, bytes.byteLength)),
  (bytes, random) => {
    const size = random.integer(0, bytes.byteLength);
    return bytes.copyWithin(random.integer(0, bytes.byteLength), random.integer(0, bytes.byteLength), size);
  },
  (bytes, random) => {
    let offset = random.integer(0, bytes.byteLength);
    const view = viewOf(bytes);
    for (; offset + 4 <= bytes.byteLength; offset += 4) view.setUint32(offset, random.integer(0, 0xffffffff));
    for (; offset < bytes.byteLength; offset += 1) bytes[offset] = random.integer(0, 255);
    return bytes;
  },
  // Every word the other way round: another machine's byte order.
  (bytes) => {
    const view = viewOf(bytes);
    for (let offset = 0; offset + 4 <= bytes.byteLength; offset += 4)
      view.setUint32(offset, view.getUint32(offset, true));
    return bytes;
  },
];

/** A new array, changed once to three times. */
export function mutatedBytes(original: Uint8Array, random: SeededRandom): Uint8Array {
  let bytes: Bytes = new Uint8Array(original);
  for (let turns = random.integer(1, 3); turns > 0; turns -= 1)
    bytes = byteMutations[random.integer(0, byteMutations.length - 1)]?.(bytes, random) ?? bytes;
  return bytes;
}

const tellingTexts = [
  "",
  " ",
  "\n",
  "-",
  ":",
  "->",
  "EOF",
  "-1",
  "99999999999999999999",
  "\0",
  "\\040",
  "é😀",
];

type TextMutation = (text: string, random: SeededRandom) => string;

const at = (text: string, random: SeededRandom): number => random.integer(0, text.length);

const textMutations: readonly TextMutation[] = [
  (text, random) => text.slice(0, at(text, random)),
  (text, random) => text.slice(at(text, random)),
  (text, random) => {
    const from = at(text, random);
    const inserted = tellingTexts[random.integer(0, tellingTexts.length - 1)] ?? "";
    return text.slice(0, from) + inserted + text.slice(from + random.integer(0, 3));
  },
  (text, random) => {
    const from = at(text, random);
    const repeated = text.slice(from, from + random.integer(1, 40)).repeat(random.integer(1, 50));
    return text.slice(0, from) + repeated + text.slice(from);
  },
  (text, random) => {
    const from = at(text, random);
    return text.slice(0, from) + String.fromCharCode(random.integer(0, 0xffff)) + text.slice(from + 1);
  },
  (text, random) => random.shuffled(text.split(random.choice("\n", " "))).join(random.choice("\n", " ")),
];

export function mutatedText(original: string, random: SeededRandom): string {
  let text = original;
  for (let turns = random.integer(1, 4); turns > 0; turns -= 1)
    text = textMutations[random.integer(0, textMutations.length - 1)]?.(text, random) ?? text;
  return text;
}

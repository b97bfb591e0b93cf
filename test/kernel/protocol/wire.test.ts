import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { createWire } from "../../../kernel/protocol/wire.ts";

test("createWire signs the four parts by HMAC-SHA256 in hexadecimal", () => {
  const frames = createWire("secret").encode({ type: "status", content: { execution_state: "idle" } });
  const [delimiter, signature, ...parts] = frames.map((frame) => Buffer.from(frame).toString());
  const hmac = createHmac("sha256", "secret");
  for (const part of parts) hmac.update(part);
  assert.equal(delimiter, "<IDS|MSG>");
  assert.equal(signature, hmac.digest("hex"));
});

test("createWire decodes what another wire with the same key encoded, identities and buffers included", () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.array(fc.uint8Array()),
      (key, content, buffers) => {
        const json = JSON.parse(JSON.stringify(content)) as object;
        const identities = [Buffer.from("a"), Buffer.from([0, 255])];
        const frames = createWire(key).encode({ type: "t", content: json, identities, buffers });
        const message = createWire(key).decode(frames)!;
        assert.deepEqual({ ...message.content }, { ...json });
        assert.deepEqual(
          message.identities.map((id) => [...id]),
          identities.map((id) => [...id]),
        );
        assert.deepEqual(
          message.buffers.map((buffer) => [...buffer]),
          buffers.map((buffer) => [...buffer]),
        );
      },
    ),
    { numRuns: 50 },
  );
});

test("createWire drops a message when any byte of it was changed", () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }), (frame, byte, change) => {
      const frames = createWire("k")
        .encode({ type: "execute_request", content: { code: "1" } })
        .map((part) => Buffer.from(part));
      const target = frames[1 + (frame % 5)]!;
      target[byte % target.length]! ^= change;
      assert.equal(createWire("k").decode(frames), undefined);
    }),
    { numRuns: 100 },
  );
});

test("createWire drops repetitions, missing parts and what is not an object", () => {
  const wire = createWire("k");
  const frames = wire.encode({ type: "a" });
  assert.ok(wire.decode(frames));
  assert.equal(wire.decode(frames), undefined);
  assert.equal(wire.decode([]), undefined);
  assert.equal(wire.decode(frames.slice(0, 4)), undefined);
  const open = createWire("");
  const text = (value: string) => Buffer.from(value);
  assert.equal(open.decode([text("<IDS|MSG>"), text(""), text("[]"), text("{}"), text("{}"), text("{}")]), undefined);
  assert.equal(open.decode([text("<IDS|MSG>"), text(""), text("{"), text("{}"), text("{}"), text("{}")]), undefined);
});

test("createWire names the schemes it takes", () => {
  assert.throws(() => createWire("k", "hmac-nonsense"), {
    name: "RangeError",
    message: /hmac-sha256 but found hmac-nonsense/,
  });
});

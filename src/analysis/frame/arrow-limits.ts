/**
 * Looks over an Arrow file's messages before they are decoded: flechette makes as many objects and labels as a message claims
 * to have, so that some damaged bytes could fill the memory. Flatbuffers are read at the few places that say how many.
 *
 * @see https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format
 */

/** Labels of a column. */
export const mostLabels = 65_536;

const magic = "ARROW1";

/** Says what is wrong with a file's claims; undefined if nothing is. */
export function wrongClaim(bytes: Uint8Array): string | undefined {
  const tail = bytes.length - magic.length - 4;
  if (tail < 12 || text(bytes, 0) !== magic || text(bytes, tail + 4) !== magic) return "no Arrow file";
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const footer = tail - view.getInt32(tail, true);
  const root = footer + view.getInt32(footer, true);
  for (const slot of [8, 10]) {
    for (const offset of blocks(view, root, slot)) {
      const wrong = wrongMessage(view, offset);
      if (wrong) return wrong;
    }
  }
  return undefined;
}

const text = (bytes: Uint8Array, at: number) => Buffer.from(bytes.subarray(at, at + magic.length)).toString("latin1");

/** Where the messages of a footer's vector of blocks begin. */
function blocks(view: DataView, root: number, slot: number): number[] {
  const at = fieldAt(view, root, slot);
  if (at === 0) return [];
  const { first, count } = vectorAt(view, at);
  if (!(count * 24 <= view.byteLength)) throw new RangeError(`${count} blocks`);
  return Array.from({ length: count }, (_, i) => Number(view.getBigInt64(first + 24 * i, true)));
}

function wrongMessage(view: DataView, offset: number): string | undefined {
  const start = offset + (view.getInt32(offset, true) === -1 ? 8 : 4);
  const size = view.getInt32(start - 4, true);
  const message = start + view.getInt32(start, true);
  const isLabels = view.getUint8(fieldAt(view, message, 6)) === 2;
  const header = followed(view, fieldAt(view, message, 8));
  const batch = isLabels ? followed(view, fieldAt(view, header, 6)) : header;
  for (const slot of [6, 8, 12]) {
    const at = fieldAt(view, batch, slot);
    if (at === 0) continue;
    const { first, count } = vectorAt(view, at);
    if (!(count >= 0 && count * 8 <= size)) return `a message of ${size} bytes with ${count} entries`;
    if (slot !== 6 || !isLabels) continue;
    for (let i = 0; i < count; i++) {
      const length = view.getBigInt64(first + 16 * i, true);
      if (length > mostLabels) return `${length} labels`;
    }
  }
  return undefined;
}

/** Position of a table's field, 0 if it is not there. */
function fieldAt(view: DataView, table: number, slot: number) {
  const fields = table - view.getInt32(table, true);
  const offset = slot < view.getUint16(fields, true) ? view.getUint16(fields + slot, true) : 0;
  return offset === 0 ? 0 : table + offset;
}

const followed = (view: DataView, at: number) => at + view.getInt32(at, true);

function vectorAt(view: DataView, at: number) {
  const vector = followed(view, at);
  return { first: vector + 4, count: view.getInt32(vector, true) };
}

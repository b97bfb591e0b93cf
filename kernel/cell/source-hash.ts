/** Tells whether a cell still holds the text that was checked; the kernel and JupyterLab's pages compute it. */

/**
 * A short fingerprint of a cell's source: FNV-1a of 32 bits over its UTF-16 units, with one kind of line break. Pages need
 * it at once and without a secure context, which a browser's own digests do not give.
 *
 * @returns Eight hexadecimal digits.
 * @see http://www.isthe.com/chongo/tech/comp/fnv/
 * @example
 * sourceHash("a"); // "e40c292c"
 */
export function sourceHash(source: string): string {
  let hash = 0x811c9dc5;
  const text = source.replace(/\r\n?/g, "\n");
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}

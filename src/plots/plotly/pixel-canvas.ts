/**
 * As much of a canvas as plotly.js needs for heat maps and images of numbers: rectangles of one colour, pixels, and the
 * result as PNG (https://www.w3.org/TR/png-3/). Nothing is blended: a rectangle replaces what is below it.
 */

import { crc32, deflateSync } from "node:zlib";

/** The element's size, in pixels. */
interface CanvasSize {
  readonly width: number;
  readonly height: number;
}

/** Four bytes a pixel: red, green, blue, opacity; rows from the top. */
export interface Pixels extends CanvasSize {
  readonly data: Uint8ClampedArray;
}

/** The context of a canvas, and what is drawn on it. */
export interface PixelContext {
  fillStyle: string;
  createImageData(width: number, height: number): Pixels;
  putImageData(pixels: Pixels, x: number, y: number): void;
  fillRect(x: number, y: number, width: number, height: number): void;
  toDataURL(): string;
}

/**
 * Makes the context of a canvas.
 *
 * @example
 * const context = pixelContext({ width: 1, height: 1 });
 * context.fillStyle = "rgba(255,0,0,1)";
 * context.fillRect(0, 0, 1, 1);
 * context.toDataURL().slice(0, 26); // "data:image/png;base64,iVBO"
 */
export function pixelContext({ width, height }: CanvasSize): PixelContext {
  const canvas: Pixels = createPixels(width, height);
  return {
    fillStyle: "rgba(0,0,0,1)",
    createImageData: createPixels,
    putImageData: (pixels, x, y) => put(canvas, { pixels, x: Math.round(x), y: Math.round(y) }),
    fillRect(x, y, rectWidth, rectHeight) {
      const [left, top] = [Math.max(0, Math.round(x)), Math.max(0, Math.round(y))];
      const [right, bottom] = [
        Math.min(width, Math.round(x + rectWidth)),
        Math.min(height, Math.round(y + rectHeight)),
      ];
      const colour = colourOf(this.fillStyle);
      for (let row = top; row < bottom; row++)
        for (let column = left; column < right; column++) canvas.data.set(colour, 4 * (row * width + column));
    },
    toDataURL: () => `data:image/png;base64,${encodePng(canvas).toString("base64")}`,
  };
}

const createPixels = (width: number, height: number): Pixels => ({
  ...{ width, height },
  data: new Uint8ClampedArray(4 * width * height),
});

function put(canvas: Pixels, { pixels, x, y }: { pixels: Pixels; x: number; y: number }) {
  for (let row = 0; row < pixels.height; row++) {
    if (y + row < 0 || y + row >= canvas.height) continue;
    const width = Math.min(pixels.width, canvas.width - x);
    const line = pixels.data.subarray(4 * row * pixels.width, 4 * (row * pixels.width + width));
    canvas.data.set(line, 4 * ((y + row) * canvas.width + x));
  }
}

/** "rgba(1,2,3,0.5)" as four bytes. */
function colourOf(style: string) {
  const [red = 0, green = 0, blue = 0, opacity = 1] = (style.match(/[\d.]+/g) ?? []).map(Number);
  return [red, green, blue, Math.round(255 * opacity)];
}

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

function encodePng({ width, height, data }: Pixels): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 6], 8); // 8 bits a channel, colour with opacity
  const rows = Buffer.alloc(height * (1 + 4 * width)); // each row begins with its filter: 0, none
  for (let row = 0; row < height; row++)
    rows.set(data.subarray(4 * row * width, 4 * (row + 1) * width), row * (1 + 4 * width) + 1);
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

/**
 * The key of a server: read from the environment only, sent in one header, and struck from everything that is kept or
 * shown.
 */

/** A key, or none. */
export interface Secret {
  readonly headers: Readonly<Record<string, string>>;
  /** A text without the key, in any of the forms in which a server might echo it. */
  strike(text: string): string;
}

/**
 * The key in an environment variable; without a name, no key.
 *
 * @throws {TypeError} If the variable is not set, or holds what cannot stand in a header.
 * @example
 * secretFrom(undefined).headers; // {}
 */
export function secretFrom(variable: string | undefined): Secret {
  if (variable === undefined) return { headers: {}, strike: (text) => text };
  const key = process.env[variable];
  if (!key) {
    throw new TypeError(
      `openServer: expected a key in the environment variable ${variable} but found none: export ${variable}=…`,
    );
  }
  if (!/^[\x21-\x7e]{4,}$/.test(key)) {
    throw new TypeError(
      `openServer: expected 4 or more printable characters without spaces in ${variable} but found others`,
    );
  }
  const forms = [key, JSON.stringify(key).slice(1, -1), encodeURIComponent(key), Buffer.from(key).toString("base64")];
  return {
    headers: { authorization: `Bearer ${key}` },
    strike: (text) => forms.reduce((rest, form) => rest.replaceAll(form, "[key]"), text),
  };
}

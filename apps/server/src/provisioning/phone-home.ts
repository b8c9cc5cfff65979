/** cloud-init's module that reports a boot, as a word of a text. */
const OWN = /\bphone_home\b/;
/** A text that has parts already. */
const MIME = /^\s*(MIME-Version:|Content-Type: multipart\/)/i;
/** Base64 has no hyphens: no content can look like it. */
const BOUNDARY = 'bty-parts-of-vendor-data';
const MIME_LINE_CHARS = 76;

function part(text: string): string {
  const base64 = Buffer.from(text).toString('base64');
  const lines = base64.match(new RegExp(`.{1,${MIME_LINE_CHARS}}`, 'g')) ?? [];
  // cloud-init looks at how a plain text begins to tell what it is.
  const head = 'Content-Type: text/plain; charset="utf-8"\nMIME-Version: 1.0\nContent-Transfer-Encoding: base64\n';
  return `--${BOUNDARY}\n${head}\n${lines.join('\n')}\n`;
}

/**
 * Vendor-data that lets cloud-init post to `url` when the first boot is done (cc_phone_home): the operator's own, null for
 * none, with that added. What names `phone_home` itself is left as it is, and so is vendor-data in MIME.
 */
export function vendorDataWithPhoneHome(userData: string, vendorData: string | null, url: string): string | null {
  if (OWN.test(userData) || OWN.test(vendorData ?? '') || MIME.test(vendorData ?? '')) return vendorData;
  const ours = `#cloud-config\nphone_home:\n  url: ${JSON.stringify(url)}\n  post: [instance_id]\n  tries: 5\n`;
  if (vendorData === null) return ours;
  const head = `Content-Type: multipart/mixed; boundary="${BOUNDARY}"\nMIME-Version: 1.0\n`;
  return `${head}\n${part(ours)}${part(vendorData)}--${BOUNDARY}--\n`;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
// What board makers leave in the field that was to be unique.
const FILLER_UUIDS = [
  /^([0-9a-f])\1{7}(-\1{4}){3}-\1{12}$/,
  /^03000200-0400-0500-0006-000700080009$/,
  /^00020003-0004-0005-0006-000700080009$/,
  /^12345678-1234-(1234|5678)-/,
  /^fefefefe-fefe-fefe-fefe-fefefefefefe$/,
  /^11223344-5566-7788-99aa-bbccddeeff00$/,
];
const FILLER_TEXTS =
  /^(to be filled by o\.?e\.?m\.?|default string|system (manufacturer|product name|version)|not (specified|applicable|available)|none|n\/a|unknown|o\.?e\.?m\.?|0+|x+|\.+)$/i;
const MAX_TEXT = 255;

/** The machine's UUID in lower case, or undefined when the firmware has none or a filler that many boards share. */
export function dmiUuid(text: string | undefined): string | undefined {
  const uuid = text?.trim().toLowerCase() ?? '';
  return UUID.test(uuid) && !FILLER_UUIDS.some((filler) => filler.test(uuid)) ? uuid : undefined;
}

/** A vendor's or product's name, or undefined when nobody filled it in. */
export function dmiText(text: string | undefined): string | undefined {
  const clean = text?.replace(/[^\x20-\x7e]/g, '').trim() ?? '';
  return clean === '' || FILLER_TEXTS.test(clean) ? undefined : clean.slice(0, MAX_TEXT);
}

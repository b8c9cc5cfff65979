import { IMAGE_FORMATS, type ImageFormat } from '@bty/wire-types';

const MAX_LENGTH = 255;
/** No blank, quote, `$`, `%`, `/` or control character: such a name is safe in a URL, a script and a shell. */
const SAFE = /^[A-Za-z0-9][A-Za-z0-9._+@~-]*$/;

// The longest suffix first: `.img.zst` also ends in something.
const BY_LENGTH = [...IMAGE_FORMATS].sort((a, b) => b.length - a.length);

/** The format that a file's suffix promises, in any case; undefined when it is no image. */
export function imageFormatOf(fileName: string): ImageFormat | undefined {
  const lower = fileName.toLowerCase();
  return BY_LENGTH.find((format) => lower.endsWith(`.${format}`) && lower.length > format.length + 1);
}

/** What is wrong with a name for an image, or undefined when it can be one. */
export function imageNameProblem(name: string): string | undefined {
  if (name.length === 0 || name.length > MAX_LENGTH) return `must have 1 to ${MAX_LENGTH} characters`;
  if (!SAFE.test(name)) return 'may have letters, digits and ._+@~- only, and must begin with a letter or digit';
  if (imageFormatOf(name) === undefined) return `must end in ${IMAGE_FORMATS.map((format) => `.${format}`).join(', ')}`;
  return undefined;
}

import { BtyError, type FlashStart } from '@bty/wire-types';
import type { FetchedMap } from './source/fetch-map.js';

/** The map is bound to the order by its digest; an order that says something else of the image was put together wrongly. */
export function checkMap(image: FlashStart['image'], { map }: FetchedMap): void {
  const fields: [string, unknown, unknown][] = [
    ['content_size_bytes', image.content_size_bytes, map.contentBytes],
    ['sha256', image.sha256, map.sha256],
    ['content_sha256', image.content_sha256, map.contentSha256],
  ];
  for (const [name, ordered, mapped] of fields) {
    if (ordered !== mapped) {
      throw new BtyError('IMAGE_INVALID', `the order says ${name} ${String(ordered)}, the map ${String(mapped)}`);
    }
  }
}

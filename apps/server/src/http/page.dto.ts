import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, Max, Min } from 'class-validator';
import type { Request, Response } from 'express';

const DEFAULT_PAGE_SIZE = 1000;

/** Size of a page; each list adds an `after` of its own. */
export class PageQuery {
  /** Entries per page, 1 to 1000. When there are more, the `Link` header names the next page. */
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(DEFAULT_PAGE_SIZE)
  @ApiProperty({ type: 'integer', required: false, default: DEFAULT_PAGE_SIZE, minimum: 1, maximum: DEFAULT_PAGE_SIZE })
  limit: number = DEFAULT_PAGE_SIZE;
}

/**
 * Cuts `rows`, which were asked for with one more than the limit, to the page, and says in the `Link` header where the
 * next one is.
 */
export function cutPage<T>(
  request: Request,
  response: Response,
  rows: readonly T[],
  limit: number,
  keyOf: (row: T) => string,
): T[] {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  if (rows.length > limit && last !== undefined) {
    const next = new URL(request.originalUrl, 'http://any');
    next.searchParams.set('after', keyOf(last));
    response.setHeader('Link', `<${next.pathname}${next.search}>; rel="next"`);
  }
  return page;
}

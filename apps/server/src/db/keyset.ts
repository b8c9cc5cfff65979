import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';

/** What the rows of a list can be sorted by. Rows with the same value are in the order of their keys. */
export interface SortColumn {
  /** SQL, never null. */
  readonly expression: string;
  readonly kind: 'text' | 'integer';
}

/** Milliseconds since 1970 of a column of time, 0 for none: exactly what JavaScript sees of it. */
export function milliseconds(column: string): SortColumn {
  return { expression: `COALESCE(floor(extract(epoch FROM ${column}) * 1000), 0)`, kind: 'integer' };
}

/** Which rows come first, and behind which value and key to begin. */
export interface KeysetOrder {
  readonly column: SortColumn;
  /** A unique column. */
  readonly key: string;
  readonly descending: boolean;
  readonly start?: { readonly value: string; readonly key: string } | undefined;
}

/** Sorts a query, and leaves out what comes before the start: pages that neither skip nor repeat a row, at any depth. */
export function orderByKeyset<T extends ObjectLiteral>(query: SelectQueryBuilder<T>, order: KeysetOrder): void {
  const { expression, kind } = order.column;
  const direction = order.descending ? 'DESC' : 'ASC';
  if (order.start !== undefined) {
    const cast = kind === 'integer' ? 'numeric' : 'text';
    const side = order.descending ? '<' : '>';
    query.andWhere(`(${expression}, ${order.key}) ${side} (:startValue::${cast}, :startKey)`, {
      startValue: order.start.value,
      startKey: order.start.key,
    });
  }
  query.orderBy(expression, direction).addOrderBy(order.key, direction);
}

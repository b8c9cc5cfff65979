import type { ValueTransformer } from 'typeorm';

/** Sizes and byte counts are `bigint` in Postgres, which `pg` hands over as text, and numbers below 2^53 here. */
export const bigintNumber: ValueTransformer = {
  to: (value: number | null | undefined) => value,
  from: (value: string | null) => (value === null ? null : Number(value)),
};

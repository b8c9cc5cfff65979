import { milliseconds, type SortColumn } from '../db/index.js';

export const IMAGE_SORT_FIELDS = ['name', 'size_bytes', 'created_at', 'updated_at'] as const;
export type ImageSortField = (typeof IMAGE_SORT_FIELDS)[number];

/** What images can be sorted by. */
export const IMAGE_SORT_COLUMNS: Readonly<Record<ImageSortField, SortColumn>> = {
  name: { expression: 'image.name', kind: 'text' },
  size_bytes: { expression: 'image.sizeBytes', kind: 'integer' },
  created_at: milliseconds('image.createdAt'),
  updated_at: milliseconds('image.updatedAt'),
};

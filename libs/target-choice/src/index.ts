export * from './choose-target.js';
export type { TargetWish } from './obstacles.js';

export * from './choose-target.js';

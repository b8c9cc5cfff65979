/** The errors alone, for threads: the messages load the validation of their fields, which takes most of a second. */
export * from './bty-error.js';
export * from './error-codes.js';

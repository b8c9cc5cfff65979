declare const BTY_VERSION: string | undefined;

/** The agent's version; the bundle carries the one of package.json. */
export const AGENT_VERSION = typeof BTY_VERSION === 'string' ? BTY_VERSION : 'development';

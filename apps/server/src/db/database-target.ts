/** Where Postgres is: a Unix socket directory of the bundled one, or a URL. */
export type DatabaseTarget = SocketTarget | { readonly url: string };

/** A Postgres on a Unix socket that asks for no password. */
export interface SocketTarget {
  readonly socketDir: string;
  readonly user: string;
  readonly database: string;
}

/** Roles of users and tokens, least first. Each may do what those before it may. */
export const ROLES = ['viewer', 'ci', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Whether somebody of a role may do what needs another. */
export function mayActAs(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

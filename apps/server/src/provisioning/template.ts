/** What a text may ask for, as `{{name}}`. */
const PLACEHOLDERS = ['mac', 'hostname', 'image', 'ssh_public_key'] as const;
type Placeholder = (typeof PLACEHOLDERS)[number];

/** The values of one machine; undefined is one that it does not have. */
export type TemplateValues = Readonly<Record<Placeholder, string | undefined>>;

/** A filled-in text, or the placeholders that cannot be filled in. */
export type Rendering =
  | { readonly text: string; readonly problem?: undefined }
  | { readonly text?: undefined; readonly problem: string };

const WORD = /\{\{([ \t]*)([A-Za-z_][A-Za-z0-9_-]*)[ \t]*\}\}/g;
/** cloud-init fills in such a text itself, at boot, and it has words of its own in double braces. */
const JINJA = /^\s*##\s*template:\s*jinja/i;

function isPlaceholder(name: string): name is Placeholder {
  return (PLACEHOLDERS as readonly string[]).includes(name);
}

/** Whether cloud-init reads the text as a Jinja template. */
export function isJinja(text: string): boolean {
  return JINJA.test(text);
}

/**
 * Fills in a text once; nothing in a value is looked at again, and there is no logic. A single word in double braces
 * that is no placeholder is a mistake; `{{ .Field }}` or `{{ a.b }}` belongs to some other program and stays. In a
 * Jinja text only placeholders without blanks are ours.
 */
export function renderTemplate(text: string, values: TemplateValues): Rendering {
  const problems = new Set<string>();
  const jinja = isJinja(text);
  const filled = text.replace(WORD, (whole: string, blank: string, name: string) => {
    if (jinja && (blank !== '' || !isPlaceholder(name))) return whole;
    if (!isPlaceholder(name)) problems.add(`there is no placeholder {{${name}}}`);
    else if (values[name] === undefined) problems.add(`{{${name}}} is used, and the machine has no ${name}`);
    else return values[name];
    return whole;
  });
  if (problems.size === 0) return { text: filled };
  return { problem: `${[...problems].join(', ')}; placeholders are ${PLACEHOLDERS.join(', ')}` };
}

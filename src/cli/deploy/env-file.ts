import { SelvageError } from '../../common/errors.ts';

type Variables = Readonly<Record<string, string | undefined>>;

const ASSIGNMENT = /^\s*(?:export\s+)?([A-Za-z_]\w*)=(.*)$/;

/**
 * The variables that a file for a shell sets, one `[export] NAME=VALUE` per line; everything else in it counts for nothing. Values may
 * name variables that stand before them, or in `outer`.
 *
 * @param setting what names the file
 * @throws {SelvageError} `SETTING_INVALID` naming the line for a value that only a shell can work out, of those that Fabric's tools read
 */
export function readVariables(text: string, outer: Variables, setting: string): Variables {
  const variables: Record<string, string | undefined> = { ...outer };
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    const [, name = '', written = ''] = ASSIGNMENT.exec(line) ?? [];
    if (!/^(CORE_|FABRIC_|SELVAGE_)/.test(name)) continue;
    const value = shellValue(written.trim(), variables);
    if (value === undefined)
      throw new SelvageError(
        'SETTING_INVALID',
        `line ${at + 1} of ${setting}: ${name} has a value that only a shell can work out: ${written.trim()}`,
        {
          advice: 'Write the value out, or set the variables in this shell and leave --org out.',
        },
      );
    variables[name] = value;
  }
  return variables;
}

/** Texts beside each other are one, as for a shell. */
const PART = /'([^']*)'|"((?:[^"\\]|\\.)*)"|((?:[^\s'"\\;#&|<>()`$]|\\.|\$\{\w+\}|\$\w+)+)|(\s.*|;.*)$/sy;

function shellValue(written: string, variables: Variables): string | undefined {
  let value = '';
  PART.lastIndex = 0;
  while (PART.lastIndex < written.length) {
    const match = PART.exec(written);
    if (match === null) return undefined;
    const [, single, double, bare, rest] = match;
    if (rest !== undefined) return /^\s*(#.*|;\s*)?$/s.test(rest) ? value : undefined;
    const part = single ?? expanded(double ?? bare ?? '', variables);
    if (part === undefined) return undefined;
    value += part;
  }
  return value;
}

function expanded(text: string, variables: Variables): string | undefined {
  if (/`|\$\(|\$\{\w*[^\w}]/.test(text.replaceAll(/\\./g, ''))) return undefined;
  return text.replaceAll(
    /\\(.)|\$\{(\w+)\}|\$(\w+)/gs,
    (_, escaped: string | undefined, braced: string | undefined, bare: string) => escaped ?? variables[braced ?? bare] ?? '',
  );
}

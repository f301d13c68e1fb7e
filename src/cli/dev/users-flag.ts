import { SelvageError } from '../../common/errors.ts';
import type { DevUserSpec } from '../../node/dev/dev-users.ts';

/** Names of files are made of it. */
const NAME = /^[a-zA-Z0-9][\w.-]*$/;
/** Who is there in any case, or has a file of that name already. */
const TAKEN = /^(admin|org\d+)$/i;

/**
 * What `--user` says: `alice`, `alice:role=auditor,department=x`, `alice@org2:role=auditor`.
 * @throws {SelvageError} `SETTING_INVALID` for text of another form, and a user who comes twice
 */
export function usersOf(texts: readonly string[]): readonly DevUserSpec[] {
  const users = texts.map(userOf);
  const twice = users.find(({ name }, at) => users.findIndex((other) => other.name === name) < at);
  if (twice !== undefined) throw wrong(twice.name, `user ${twice.name} is named twice`);
  return users;
}

function userOf(text: string): DevUserSpec {
  const [, name = '', org = 'Org1', list] = /^([^:@]+)(?:@([^:@]+))?(?::(.*))?$/.exec(text) ?? [];
  if (!NAME.test(name)) throw wrong(text, `--user ${text} names nobody`);
  if (TAKEN.test(name))
    throw new SelvageError('SETTING_INVALID', `--user ${text}: ${name} is taken`, {
      advice: 'Every organisation has an Admin already, and env-org2.sh is for that of the second one: choose another name.',
    });
  const attributes = Object.fromEntries((list === undefined ? [] : list.split(',')).map((each) => attributeOf(each, text)));
  return { name, org, attributes };
}

function attributeOf(each: string, text: string): readonly [string, string] {
  const at = each.indexOf('=');
  if (at <= 0) throw wrong(text, `--user ${text}: "${each}" is no attribute with a value`);
  return [each.slice(0, at).trim(), each.slice(at + 1)];
}

const wrong = (text: string, message: string): SelvageError =>
  new SelvageError('SETTING_INVALID', message, {
    advice: `Write it like --user ${/^[\w.-]+/.exec(text)?.[0] ?? 'alice'}:role=auditor,department=sales, or alice@org2 for another organisation.`,
  });

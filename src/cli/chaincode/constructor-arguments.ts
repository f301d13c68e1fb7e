import { messageOf, SelvageError } from '../../common/errors.ts';
import { type JsonValue, parseGoJson } from '../../common/go-json.ts';
import { GoFields } from '../../common/go-json-fields.ts';

const KEYS = "must contain the following keys: 'Args' or 'Function' and 'Args'";

/**
 * The `-c` flag: `{"Args":["f","a"]}` or `{"Function":"f","Args":["a"]}`; key names in any case, as Go reads JSON.
 *
 * @param whenEmpty what `{}` stands for; without it `{}` is refused
 * @throws {SelvageError} `SETTING_INVALID` with Fabric's words, saying what is expected
 * @see checkChaincodeCmdParams and UnmarshalJSON in hyperledger/fabric v2.5, internal/peer/chaincode/common.go
 */
export function constructorArguments(text: string, whenEmpty?: readonly string[]): readonly string[] {
  if (text === '{}') {
    if (whenEmpty !== undefined) return whenEmpty;
    throw refused(`empty JSON chaincode parameters ${KEYS}`);
  }
  try {
    return argumentsOf(new GoFields(parseGoJson(text), { name: '', text }));
  } catch (cause) {
    throw refused(`chaincode argument error: ${messageOf(cause)}`, cause);
  }
}

function argumentsOf(fields: GoFields): readonly string[] {
  const keys = new Set(fields.keys().map((key) => key.toLowerCase()));
  const others = [...keys].filter((key) => key !== 'args' && key !== 'function');
  if (!keys.has('args') || others.length > 0) throw new SelvageError('SETTING_INVALID', `non-empty JSON chaincode parameters ${KEYS}`);
  const args = fields.texts('Args') ?? [];
  const name = fields.text('Function') ?? '';
  return name === '' ? args : [name, ...args];
}

const refused = (message: string, cause?: unknown): SelvageError =>
  new SelvageError('SETTING_INVALID', message, {
    cause,
    advice: `Write -c '{"Args":["function","argument",…]}', with every argument a string.`,
  });

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The `--transient` flag: a JSON object of base64 values. @throws {SelvageError} `SETTING_INVALID` */
export function transientMap(text: string | undefined): ReadonlyMap<string, Uint8Array> | undefined {
  if (text === undefined) return undefined;
  try {
    return bytesByKey(parseGoJson(text));
  } catch (cause) {
    throw new SelvageError('SETTING_INVALID', `error parsing transient string: ${messageOf(cause)}`, {
      cause,
      advice: `Write --transient '{"key":"dmFsdWU="}', with every value in base64.`,
    });
  }
}

/** Null is the empty value, as in Go; line ends in base64 count for nothing. */
function bytesByKey(value: JsonValue): ReadonlyMap<string, Uint8Array> {
  if (value.kind === 'null') return new Map();
  if (value.kind !== 'object') throw new SelvageError('SETTING_INVALID', 'this is no JSON object');
  return new Map(
    value.entries.map(([key, each]) => {
      const base64 = each.kind === 'null' ? '' : each.kind === 'string' ? each.text.replaceAll(/[\r\n]/g, '') : undefined;
      if (base64 === undefined || !BASE64.test(base64)) throw new SelvageError('SETTING_INVALID', `the value of ${key} is no base64`);
      return [key, new Uint8Array(Buffer.from(base64, 'base64'))];
    }),
  );
}

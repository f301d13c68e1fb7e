import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, SelvageError } from '../../common/errors.ts';
import type { LaunchSpec } from '../../packages/launch-spec.ts';
import { parseServerSettings } from '../service/server-settings.ts';
import type { Builder, BuilderSubject } from './builder.ts';
import { fillTemplate } from './go-template.ts';
import { CONNECTION_FILE } from './kept-builds.ts';

/** Variable with the values for the templates in connection.json, as JSON. */
export const CCAAS_CONFIG_VARIABLE = 'CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG';

/** Fields that are templates; the first letter is how Go's builder calls them. */
const TEMPLATES = {
  address: 'Address',
  dial_timeout: 'DialTimeout',
  root_cert: 'RootCert',
  client_key: 'ClientKey',
  client_cert: 'ClientCert',
  domain: 'Domain',
} as const;

/**
 * Packages of type `ccaas`, without a program: connection.json comes from the package, its texts filled as templates. Unlike the
 * stock builder it keeps `domain`.
 * @see hyperledger/fabric v2.5, ccaas_builder/cmd
 */
export class CcaasBuilder implements Builder {
  readonly name = 'ccaas_builder';
  readonly #config: string;

  /** @param config content of {@link CCAAS_CONFIG_VARIABLE}; '' when it is not set */
  constructor(config: string) {
    this.#config = config;
  }

  async detect({ type }: BuilderSubject): Promise<boolean> {
    return type.toLowerCase() === 'ccaas';
  }

  async build({ folders, ccid }: BuilderSubject): Promise<void> {
    const { source, metadata, build } = await folders();
    await cp(metadata, build, { recursive: true });
    const metaInf = join(source, 'META-INF');
    if (existsSync(metaInf)) await cp(metaInf, join(build, 'META-INF'), { recursive: true });
    const text = await readFile(join(source, 'connection.json'), 'utf8').catch((cause: unknown) => {
      throw refused(ccid, 'connection.json not found in source folder', cause);
    });
    await writeFile(join(build, 'connection.json'), this.#filled(text, ccid));
  }

  /** What it releases is checked here, so that an install tells what the first call would. */
  async release({ folders }: BuilderSubject): Promise<void> {
    const { build, release } = await folders();
    const statedb = join(build, 'META-INF', 'statedb');
    if (existsSync(statedb)) await cp(statedb, join(release, 'statedb'), { recursive: true });
    const connection = await readFile(join(build, 'connection.json'), 'utf8');
    parseServerSettings(connection, 'connection.json');
    await mkdir(join(release, 'chaincode', 'server'), { recursive: true });
    await writeFile(join(release, CONNECTION_FILE), connection, { mode: 0o600 });
  }

  run({ ccid }: LaunchSpec): Promise<never> {
    return Promise.reject(refused(ccid, 'the build was released without connection.json', undefined));
  }

  /** Certificates count only with TLS, so templates in them are not looked at without it. */
  #filled(text: string, ccid: string): string {
    const connection = parsed(text, (reason, cause) => refused(ccid, `connection.json ${reason}`, cause));
    const values =
      this.#config === '' ? {} : parsed(this.#config, (reason, cause) => refused(ccid, `${CCAAS_CONFIG_VARIABLE} ${reason}`, cause));
    const tls = connection['tls_required'] === true;
    const names = Object.entries(TEMPLATES).filter(([name]) => tls || name === 'address' || name === 'dial_timeout');
    const filled = names.flatMap(([name, what]) => {
      const value = connection[name];
      return value === undefined ? [] : [[name, typeof value === 'string' ? fillTemplate(value, values, what) : value]];
    });
    const flags = {
      tls_required: connection['tls_required'] ?? false,
      client_auth_required: tls && (connection['client_auth_required'] ?? false),
    };
    return JSON.stringify({ ...Object.fromEntries(filled), ...flags });
  }
}

function parsed(text: string, fail: (reason: string, cause?: unknown) => SelvageError): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw fail(`is no JSON: ${messageOf(cause)}`, cause);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw fail('is no JSON object');
}

const refused = (ccid: string, reason: string, cause: unknown): SelvageError =>
  new SelvageError(
    'CHAINCODE_BUILD_FAILED',
    `external builder failed: external builder failed to build: external builder 'ccaas_builder' failed: ${reason}`,
    {
      cause,
      details: { ccid, builder: 'ccaas_builder' },
      advice: 'A package of type ccaas holds a code.tar.gz with connection.json at its root.',
    },
  );

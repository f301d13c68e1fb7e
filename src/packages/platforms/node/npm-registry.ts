import { SelvageError } from '../../../common/errors.ts';

/**
 * The npm registry that `NODE_REGISTRY` in the peer's environment names; empty or absent means npm's own configuration.
 * @throws {SelvageError} `SETTING_INVALID` for anything but an absolute http or https URL; the text repeats no credentials
 */
export function parseRegistry(value: string | undefined): string | undefined {
  if (value === undefined || value === '') return undefined;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url !== undefined && ['http:', 'https:'].includes(url.protocol) && /^https?:\/\/[^/][^\s'"`\\]*$/i.test(value)) return url.href;
  throw new SelvageError('SETTING_INVALID', 'NODE_REGISTRY is not an absolute http or https URL', {
    advice: 'Set it to the address of an npm registry, like https://registry.example.com/, or leave it out.',
  });
}

/** For the log: without user, password and query. */
export function shownRegistry(registry: string): string {
  const { protocol, host, pathname } = new URL(registry);
  return `${protocol}//${host}${pathname}`;
}

/** The newest version of the Docker Engine API that this was tried with. */
const NEWEST = '1.52';

/**
 * Path prefix of the API version to speak with an engine: its own newest, but none that came after what we know. An engine that
 * takes nothing so old is spoken to in its own version, and one that tells none as it likes.
 * @param facts answer to `GET /version`
 */
export function apiPrefix({ ApiVersion, MinAPIVersion }: { readonly ApiVersion?: unknown; readonly MinAPIVersion?: unknown }): string {
  if (!isVersion(ApiVersion)) return '';
  const tooOld = isVersion(MinAPIVersion) && isBefore(NEWEST, MinAPIVersion);
  return `/v${isBefore(ApiVersion, NEWEST) || tooOld ? ApiVersion : NEWEST}`;
}

const isVersion = (value: unknown): value is string => typeof value === 'string' && /^\d+\.\d+$/.test(value);

/** Minor versions count up past 9. */
function isBefore(one: string, other: string): boolean {
  const [major = 0, minor = 0] = one.split('.').map(Number);
  const [otherMajor = 0, otherMinor = 0] = other.split('.').map(Number);
  return major < otherMajor || (major === otherMajor && minor < otherMinor);
}

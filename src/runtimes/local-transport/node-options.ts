/** A value of `NODE_OPTIONS` that loads a file first, and keeps what was there. @see https://nodejs.org/api/cli.html#node_optionsoptions for the quotes */
export function withRequired(file: string, options = ''): string {
  const quoted = /[\s"\\]/.test(file) ? `"${file.replaceAll(/["\\]/g, '\\$&')}"` : file;
  return [`--require=${quoted}`, options].filter((each) => each !== '').join(' ');
}

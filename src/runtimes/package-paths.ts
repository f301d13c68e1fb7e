/**
 * Makes the paths of a package's own files, as its programs print them, those that its author knows: `./dist/index.js`.
 * @param folders where the package lies; all names of that one place
 */
export function packagePaths(...folders: readonly string[]): (line: string) => string {
  const prefixes = [...new Set(folders)].flatMap((folder) => [`file://${folder}/`, `${folder}/`]);
  return (line) => prefixes.reduce((text, prefix) => text.replaceAll(prefix, './'), line);
}

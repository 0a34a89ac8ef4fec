/** The version of this program: package.json's, which a bundle has no path to. */
export const version = '0.2.0'

/** What `jobferry config` uses of the server: built, a file of its own beside the command line. */
export { checkSettings, settingsText, shownSettings } from './show-settings.ts'

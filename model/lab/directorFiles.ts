/** Where a director has the files of the user's own; scripts/guest/directorFiles.sh knows it too. */
export const DIRECTOR_FILES = "/etc/lvs-dr/files/";

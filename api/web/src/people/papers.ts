/** The kinds of identity documents that are chosen from: kept in these words, never with a number. */
export const IDENTITY = ["Carte d’identité", "Passeport", "Titre de séjour", "Permis de conduire", "Carte d’élève ou d’étudiant", "Carte de bibliothèque"];

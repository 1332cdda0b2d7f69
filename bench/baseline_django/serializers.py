"""Sessions as ours are shown."""

from django.utils import timezone
from rest_framework import serializers

from bench.baseline_django.models import ACTIVE, Session
from fleet.domain import reasons


class NewSession(serializers.Serializer):
    site = serializers.SlugField()
    duree_initiale = serializers.IntegerField(min_value=60, max_value=86_400)
    notes = serializers.CharField(default="", allow_blank=True, max_length=10_000)


class AddTime(serializers.Serializer):
    seconds = serializers.IntegerField(min_value=-86_400, max_value=86_400)


class TimeLeft(serializers.ModelSerializer):
    temps_restant = serializers.SerializerMethodField()
    temps_ecoule = serializers.SerializerMethodField()
    duree_totale = serializers.SerializerMethodField()
    pourcentage_utilise = serializers.SerializerMethodField()
    est_expiree = serializers.SerializerMethodField()
    en_grace = serializers.SerializerMethodField()
    maintenant = serializers.SerializerMethodField()

    class Meta:
        model = Session
        fields = (
            "id", "statut", "temps_restant", "temps_ecoule", "duree_totale", "pourcentage_utilise",
            "est_expiree", "en_grace", "fin_prevue", "maintenant",
        )  # fmt: skip

    def get_temps_restant(self, session):
        return -(-session.remaining_ms // 1000)

    def get_temps_ecoule(self, session):
        return max(0, self.get_duree_totale(session) - self.get_temps_restant(session))

    def get_duree_totale(self, session):
        return -(-session.granted_ms // 1000)

    def get_pourcentage_utilise(self, session):
        return round(100 * (session.granted_ms - session.remaining_ms) / session.granted_ms, 1)

    def get_en_grace(self, session):
        return session.statut == ACTIVE and session.fin_prevue <= timezone.now()

    def get_est_expiree(self, session):
        return session.statut == "expiree" or self.get_en_grace(session)

    def get_maintenant(self, session):
        return timezone.now()


class SessionView(TimeLeft):
    site = serializers.CharField(source="site.slug")
    poste = serializers.CharField(source="poste.slug", default=None)
    poste_nom = serializers.CharField(source="poste.nom", default=None)
    utilisateur = serializers.IntegerField(source="utilisateur_id")
    utilisateur_nom = serializers.SerializerMethodField()
    operateur = serializers.CharField(source="operateur.login", default=None)
    motif_texte = serializers.SerializerMethodField()
    duree_initiale = serializers.SerializerMethodField()
    temps_ajoute = serializers.SerializerMethodField()
    demande_temps = serializers.SerializerMethodField()

    class Meta:
        model = Session
        fields = (
            "id", "site", "poste", "poste_nom", "utilisateur", "utilisateur_nom", "operateur", "statut", "motif_fin",
            "motif_texte", "duree_initiale", "temps_ajoute", "duree_totale", "temps_restant", "temps_ecoule",
            "pourcentage_utilise", "est_expiree", "en_grace", "debut_session", "fin_prevue", "fin_session",
            "suspendue_jusqu_a", "code_expire_a", "demande_temps", "notes", "created_at", "updated_at", "version",
            "maintenant",
        )  # fmt: skip

    def get_utilisateur_nom(self, session):
        person = session.utilisateur
        return f"{person.prenom} {person.nom}" if person else None

    def get_motif_texte(self, session):
        return reasons.sentence(session.motif_fin) if session.motif_fin else None

    def get_duree_initiale(self, session):
        return session.duree_initiale_ms // 1000

    def get_temps_ajoute(self, session):
        return session.temps_ajoute_ms // 1000

    def get_demande_temps(self, session):
        if session.demande_expire_a is None or session.demande_expire_a <= timezone.now():
            return None
        return {
            "secondes": session.demande_secondes,
            "demandee_a": session.demandee_a,
            "expire_a": session.demande_expire_a,
        }

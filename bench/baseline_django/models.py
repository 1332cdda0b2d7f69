"""Our tables as Django sees them: the columns that these endpoints need; the others have defaults in the schema."""

from datetime import timedelta

from django.db import models
from django.utils import timezone

EN_ATTENTE, ACTIVE, SUSPENDUE = "en_attente", "active", "suspendue"
USABLE = (EN_ATTENTE, ACTIVE, SUSPENDUE)


class Site(models.Model):
    slug = models.CharField(max_length=63, unique=True)
    nom = models.CharField(max_length=100)
    politique = models.JSONField(default=dict)

    class Meta:
        managed = False
        db_table = "site"


class Operateur(models.Model):
    login = models.CharField(max_length=64, unique=True)
    role = models.CharField(max_length=16)
    actif = models.BooleanField(default=True)
    generation = models.IntegerField(default=0)
    sites = models.ManyToManyField(Site, db_table="operateur_site")
    is_authenticated = True

    class Meta:
        managed = False
        db_table = "operateur"


class Utilisateur(models.Model):
    nom = models.CharField(max_length=100)
    prenom = models.CharField(max_length=100)

    class Meta:
        managed = False
        db_table = "utilisateur"


class Poste(models.Model):
    slug = models.CharField(max_length=63, unique=True)
    nom = models.CharField(max_length=100)
    site = models.ForeignKey(Site, models.PROTECT)

    class Meta:
        managed = False
        db_table = "poste"


class Session(models.Model):
    site = models.ForeignKey(Site, models.PROTECT)
    poste = models.ForeignKey(Poste, models.PROTECT, null=True)
    utilisateur = models.ForeignKey(Utilisateur, models.PROTECT, null=True)
    operateur = models.ForeignKey(Operateur, models.PROTECT, null=True)
    statut = models.CharField(max_length=16, default=EN_ATTENTE)
    motif_fin = models.CharField(max_length=64, null=True)
    duree_initiale_ms = models.BigIntegerField()
    temps_ajoute_ms = models.BigIntegerField(default=0)
    debut_session = models.DateTimeField(null=True)
    fin_prevue = models.DateTimeField(null=True)
    fin_session = models.DateTimeField(null=True)
    suspendue_jusqu_a = models.DateTimeField(null=True)
    restant_ms = models.BigIntegerField(null=True)
    code_index = models.BinaryField(null=True)
    code_scelle = models.BinaryField(null=True)
    code_expire_a = models.DateTimeField(null=True)
    notes = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.IntegerField(default=0)

    class Meta:
        managed = False
        db_table = "session"

    @property
    def granted_ms(self):
        return self.duree_initiale_ms + self.temps_ajoute_ms

    @property
    def remaining_ms(self):
        if self.statut == EN_ATTENTE:
            return self.granted_ms
        if self.statut == ACTIVE:
            return max(0, (self.fin_prevue - timezone.now()) // timedelta(milliseconds=1))
        return self.restant_ms or 0


class Octroi(models.Model):
    session = models.ForeignKey(Session, models.CASCADE)
    genre = models.CharField(max_length=16)
    montant_ms = models.BigIntegerField()
    rev = models.BigIntegerField(null=True)
    operateur = models.ForeignKey(Operateur, models.PROTECT, null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        managed = False
        db_table = "octroi"


class Consigne(models.Model):
    poste = models.OneToOneField(Poste, models.CASCADE, primary_key=True)
    rev = models.BigIntegerField(default=1)
    reason = models.CharField(max_length=64, null=True)

    class Meta:
        managed = False
        db_table = "desired"


class Demande(models.Model):
    session = models.ForeignKey(Session, models.CASCADE, related_name="demandes")
    secondes = models.IntegerField()
    statut = models.CharField(max_length=16)
    expire_a = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        managed = False
        db_table = "demande"


class Chaine(models.Model):
    chain = models.BigIntegerField(primary_key=True)
    numero = models.BigIntegerField()
    hash = models.BinaryField()

    class Meta:
        managed = False
        db_table = "chain_head"


class Log(models.Model):
    site_id = models.BigIntegerField(null=True)
    numero = models.BigIntegerField()
    action = models.CharField(max_length=32)
    operateur_id = models.BigIntegerField(null=True)
    session_id = models.BigIntegerField(null=True)
    poste_id = models.BigIntegerField(null=True)
    utilisateur_id = models.BigIntegerField(null=True)
    details = models.TextField(default="")
    metadata = models.JSONField(default=dict)
    personal = models.JSONField(null=True)
    salt = models.BinaryField(null=True)
    commitment = models.BinaryField(null=True)
    created_at = models.DateTimeField()
    previous_hash = models.BinaryField()
    hash = models.BinaryField()

    class Meta:
        managed = False
        db_table = "log"

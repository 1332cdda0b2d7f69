"""Sessions: listed, looked at, created, given time."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, FilteredRelation, Q
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.response import Response

from bench.baseline_django import chain, serializers
from bench.baseline_django.models import ACTIVE, USABLE, Consigne, Octroi, Session, Site
from fleet.domain import access_code
from fleet.usecases.sealing import CodeKeys

LONGEST_S = 4 * 3600
CODE_LIFETIME_S = 86_400
KEYS = CodeKeys.from_secret(settings.CODE_SECRET)


class Page(LimitOffsetPagination):
    default_limit = 50
    max_limit = 200

    def get_paginated_response(self, data):
        return Response({"total": self.count, "limit": self.limit, "offset": self.offset, "resultats": data})


class Sessions(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.CreateModelMixin, viewsets.GenericViewSet
):
    queryset = Session.objects.all()
    serializer_class = serializers.SessionView
    pagination_class = Page

    def get_queryset(self):
        """The sessions of the caller's sites, with all that is shown of them in one query."""
        shown = (
            self.mine(Session.objects.all())
            .select_related("site", "poste", "utilisateur", "operateur")
            .defer("code_index", "code_scelle")
            .annotate(
                ouverte=FilteredRelation("demandes", condition=Q(demandes__statut="ouverte")),
                demande_secondes=F("ouverte__secondes"),
                demandee_a=F("ouverte__created_at"),
                demande_expire_a=F("ouverte__expire_a"),
            )
        )
        return shown.order_by("-id")

    def mine(self, sessions):
        sites = self.request.user.site_ids
        return sessions if sites is None else sessions.filter(site__in=sites)

    def create(self, request):
        asked = serializers.NewSession(data=request.data)
        asked.is_valid(raise_exception=True)
        code = access_code.generate()
        with transaction.atomic():
            session = self.waiting(request, asked.validated_data, code)
            Octroi.objects.create(
                session=session, genre="initial", montant_ms=session.duree_initiale_ms, operateur=request.user
            )
            facts = {"duree_s": asked.validated_data["duree_initiale"]}
            chain.record(request, "generation_code", session, facts)
        shown = self.get_serializer(get_object_or_404(self.get_queryset(), pk=session.pk)).data
        return Response({**shown, "code_acces": code}, status=201)

    def waiting(self, request, asked, code):
        site = get_object_or_404(Site, slug=asked["site"])
        if asked["duree_initiale"] > site.politique.get("longest_session_s", LONGEST_S):
            raise ValidationError({"duree_initiale": "trop longue"})
        lifetime = timedelta(seconds=site.politique.get("code_lifetime_s", CODE_LIFETIME_S))
        return Session.objects.create(
            site=site,
            operateur=request.user,
            duree_initiale_ms=asked["duree_initiale"] * 1000,
            code_index=KEYS.index(code),
            code_scelle=KEYS.seal(code),
            code_expire_a=timezone.now() + lifetime,
            notes=asked["notes"],
        )

    @action(detail=True, methods=["post"])
    def add_time(self, request, pk):
        asked = serializers.AddTime(data=request.data)
        asked.is_valid(raise_exception=True)
        seconds = asked.validated_data["seconds"]
        with transaction.atomic():
            locked = self.mine(Session.objects.select_for_update(of=("self",)).select_related("site"))
            session = get_object_or_404(locked, pk=pk)
            self.give(session, seconds)
            rev = self.bumped(session, "temps_ajoute" if seconds > 0 else "temps_retire")
            Octroi.objects.create(
                session=session,
                genre="ajout" if seconds > 0 else "retrait",
                montant_ms=seconds * 1000,
                rev=rev,
                operateur=request.user,
            )
            chain.record(request, "ajout_temps", session, {"secondes": seconds})
        return Response(self.get_serializer(get_object_or_404(self.get_queryset(), pk=pk)).data)

    def give(self, session, seconds):
        longest = session.site.politique.get("longest_session_s", LONGEST_S)
        if session.statut not in USABLE or session.granted_ms + seconds * 1000 > longest * 1000:
            raise ValidationError({"seconds": "refusé"})
        session.temps_ajoute_ms += seconds * 1000
        if session.statut == ACTIVE:
            session.fin_prevue += timedelta(seconds=seconds)
        session.version += 1
        session.save(update_fields=["temps_ajoute_ms", "fin_prevue", "version", "updated_at"])

    def bumped(self, session, reason):
        if session.poste_id is None:
            return None
        told = Consigne.objects.select_for_update().get(poste=session.poste_id)
        told.rev += 1
        told.reason = reason
        told.save(update_fields=["rev", "reason"])
        return told.rev

    @action(detail=True)
    def time_remaining(self, request, pk):
        session = get_object_or_404(self.mine(Session.objects.all()), pk=pk)
        return Response(serializers.TimeLeft(session).data)

"""The classroom's own tables, which its Rust side makes."""

from django.db import models


class Class(models.Model):
    name = models.TextField()
    room = models.TextField()

    class Meta:
        app_label = "classroom"
        db_table = "classroom_class"
        managed = False
        ordering = ["name"]


class Good(models.Model):
    name = models.TextField()
    cents = models.IntegerField()

    class Meta:
        app_label = "classroom"
        db_table = "classroom_good"
        managed = False
        ordering = ["id"]


class Preference(models.Model):
    user = models.OneToOneField("auth.User", models.CASCADE, primary_key=True)
    theme = models.TextField()
    language = models.TextField()
    page_size = models.IntegerField()

    class Meta:
        app_label = "classroom"
        db_table = "classroom_preference"
        managed = False
